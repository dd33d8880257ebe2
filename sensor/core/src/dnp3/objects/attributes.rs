use super::Layout::Attribute;
use super::{Name, Variation};

const fn v(number: u8, name: &'static str) -> Variation {
    Variation { number, name: Name::new(name), layout: Attribute }
}

/// Every attribute lies alike.
#[cfg(not(feature = "names"))]
pub(super) const ATTRIBUTES: &[Variation] = &[v(0, "attribute")];

/// The attributes of set 0, of which a variation number is the name. Those of other sets are each vendor's own.
#[cfg(feature = "names")]
pub(super) const ATTRIBUTES: &[Variation] = &[
    v(0, "attribute"),
    v(196, "configuration identifier"),
    v(197, "configuration version"),
    v(198, "configuration build date"),
    v(199, "configuration last change date"),
    v(200, "configuration digest"),
    v(201, "configuration digest algorithm"),
    v(202, "master resource identifier"),
    v(203, "device location altitude"),
    v(204, "device location longitude"),
    v(205, "device location latitude"),
    v(206, "user-assigned secondary operator name"),
    v(207, "user-assigned primary operator name"),
    v(208, "user-assigned system name"),
    v(209, "secure authentication version"),
    v(210, "number of security statistics per association"),
    v(211, "support for user-specific attributes"),
    v(212, "number of master-defined data set prototypes"),
    v(213, "number of outstation-defined data set prototypes"),
    v(214, "number of master-defined data sets"),
    v(215, "number of outstation-defined data sets"),
    v(216, "maximum binary outputs per request"),
    v(217, "local timing accuracy"),
    v(218, "duration of timing accuracy"),
    v(219, "support for analog output events"),
    v(220, "maximum analog output index"),
    v(221, "number of analog outputs"),
    v(222, "support for binary output events"),
    v(223, "maximum binary output index"),
    v(224, "number of binary outputs"),
    v(225, "support for frozen counter events"),
    v(226, "support for frozen counters"),
    v(227, "support for counter events"),
    v(228, "maximum counter index"),
    v(229, "number of counters"),
    v(230, "support for frozen analog inputs"),
    v(231, "support for analog input events"),
    v(232, "maximum analog input index"),
    v(233, "number of analog inputs"),
    v(234, "support for double-bit binary input events"),
    v(235, "maximum double-bit binary input index"),
    v(236, "number of double-bit binary inputs"),
    v(237, "support for binary input events"),
    v(238, "maximum binary input index"),
    v(239, "number of binary inputs"),
    v(240, "maximum transmit fragment size"),
    v(241, "maximum receive fragment size"),
    v(242, "device manufacturer's software version"),
    v(243, "device manufacturer's hardware version"),
    v(244, "user-assigned owner name"),
    v(245, "user-assigned location"),
    v(246, "user-assigned identifier"),
    v(247, "user-assigned device name"),
    v(248, "device serial number"),
    v(249, "DNP3 subset and conformance"),
    v(250, "device product name and model"),
    v(251, "device manufacturer's code"),
    v(252, "device manufacturer's name"),
    v(253, "attribute names"),
    v(254, "all attributes request"),
    v(255, "list of attribute variations"),
];
