use core::ops::AddAssign;

/// Declares the counters with their names.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $variant:ident, $text:literal;)+) => {
        /// What is counted; `is_loss` tells which of them mean that something was not inspected.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Counter { $($(#[doc = $doc])+ $variant,)+ }

        impl Counter {
            /// Every counter, in the order of records.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The counter as records write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What is counted.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

counters! {
    /// Frames given to the sensor.
    Frames, "frames";
    /// Captured bytes of those frames.
    Bytes, "bytes";
    /// Frames that carry no IP, or TCP and UDP on ports that carry no plant protocol.
    FramesOther, "frames_other";
    /// Frames whose link, network or transport headers contradict their bytes.
    FramesMalformed, "frames_malformed";
    /// Frames of a link type that is not decoded.
    FramesUnknownLink, "frames_unknown_link";
    /// Frames captured with fewer bytes than were on the wire, where the missing bytes would have mattered.
    FramesTruncated, "frames_truncated";
    /// IP fragments seen.
    Fragments, "ip_fragments";
    /// IP fragments that became part of no datagram: incomplete, too large, conflicting or evicted.
    FragmentsLost, "ip_fragments_lost";
    /// Flows on plant protocol ports.
    Flows, "flows";
    /// Flows forgotten to make room for others.
    FlowsEvicted, "flows_evicted";
    /// TCP segments that repeat bytes already seen.
    Retransmissions, "tcp_retransmissions";
    /// TCP segments that came before their turn.
    OutOfOrder, "tcp_out_of_order";
    /// Holes in TCP streams that were given up.
    Gaps, "tcp_gaps";
    /// Bytes in those holes.
    GapBytes, "tcp_gap_bytes";
    /// Out-of-order segments given up because no buffer was free.
    SegmentsLost, "tcp_segments_lost";
    /// Modbus ADUs.
    ModbusUnits, "modbus_units";
    /// DNP3 link frames.
    Dnp3Frames, "dnp3_link_frames";
    /// DNP3 application fragments.
    Dnp3Fragments, "dnp3_fragments";
    /// DNP3 transport segments given up because no buffer was free.
    Dnp3SegmentsLost, "dnp3_segments_lost";
    /// DNP3 link frames that repeat the one before them, as FCB tells; their receiver drops them.
    Dnp3LinkRetries, "dnp3_link_retries";
    /// DNP3 link frames that acknowledge confirmed user data.
    Dnp3LinkAcks, "dnp3_link_acks";
    /// Bytes on plant protocol ports that belong to no whole unit.
    StrayBytes, "stray_bytes";
    /// Requests.
    Requests, "requests";
    /// Responses that belong to a request.
    Responses, "responses";
    /// Responses whose request was not seen.
    Unrequested, "responses_unrequested";
    /// Requests without a response.
    Unanswered, "requests_unanswered";
    /// Requests closed before their time because the table of pending exchanges was full.
    ExchangesEvicted, "exchanges_evicted";
    /// Anomalies, repeated ones included.
    Anomalies, "anomalies";
    /// Anomalies not reported because their flow reported the same within the minute.
    AnomaliesRepeated, "anomalies_repeated";
    /// Anomaly records that only tell how many more there were.
    AnomalySummaries, "anomaly_summaries";
    /// Alerts.
    Alerts, "alerts";
    /// Alerts not given because they repeat one that was.
    AlertsFolded, "alerts_folded";
    /// Alerts not given because the policy suppresses them.
    AlertsSuppressed, "alerts_suppressed";
    /// Alerts that only tell how often others were repeated.
    AlertSummaries, "alert_summaries";
    /// Rules that fired on a request beyond the four that can, and waits for what should follow that found no room.
    RuleFiringsLost, "rule_firings_lost";
    /// What rules and permits had seen before, counted or waited for, and forgot to make room.
    Forgotten, "rule_memories_forgotten";
    /// Declared intents that came to be known.
    Intents, "intents";
    /// Declared intents forgotten, and commands decided on before their time, to make room for others.
    IntentsForgotten, "intents_forgotten";
    /// Alerts, incidents and rates of alerts that were forgotten to make room: what belongs to one counts as new.
    AlertsForgotten, "alert_memories_forgotten";
}

impl Counter {
    /// True for what means that something on the wire was not inspected.
    pub const fn is_loss(self) -> bool {
        matches!(
            self,
            Self::FramesMalformed
                | Self::FramesUnknownLink
                | Self::FramesTruncated
                | Self::FragmentsLost
                | Self::FlowsEvicted
                | Self::Gaps
                | Self::GapBytes
                | Self::SegmentsLost
                | Self::Dnp3SegmentsLost
                | Self::StrayBytes
                | Self::ExchangesEvicted
        )
    }
}

/// How often each [`Counter`] happened since the sensor was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters([u64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; Counter::ALL.len()])
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        other.iter().for_each(|(counter, count)| self.add(counter, count));
    }
}

impl Counters {
    /// How often `counter` happened.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// Every counter with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        Counter::ALL.iter().copied().zip(self.0.iter().copied())
    }

    /// How much was not inspected, all in all.
    pub(crate) fn losses(&self) -> u64 {
        self.iter().filter(|(counter, _)| counter.is_loss()).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    // Sixty places count, and sums of 64 bits are long where flash is short.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn add(&mut self, counter: Counter, by: u64) {
        if let Some(count) = self.0.get_mut(counter as usize) {
            *count = count.saturating_add(by);
        }
    }
}
