use core::fmt;

use crate::dnp3::{self, Fragment, Indications};
use crate::modbus::{self, Response, exception_name};
use crate::record::{Body, Exchange, Outcome};

/// What became of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// How the exchange stands.
    pub outcome: Outcome,
    /// With what the device refused.
    pub refusal: Option<Refusal>,
}

/// A Modbus exception, a DNP3 control status or a DNP3 internal indication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Its code; indications have none.
    pub code: Option<u8>,
    /// Its name, if the code is not reserved.
    pub name: Option<&'static str>,
}

impl Answer {
    /// How this exchange ended.
    pub fn of(exchange: &Exchange<'_>) -> Self {
        let refusal = match &exchange.body {
            Body::Modbus(body) => modbus_refusal(body),
            Body::Dnp3(body) => dnp3_refusal(body),
        };
        Self { outcome: exchange.outcome, refusal }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.outcome.name())?;
        self.refusal.map_or(Ok(()), |refusal| write!(f, ": {refusal}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.code) {
            (Some(name), _) => f.write_str(name),
            (None, Some(code)) => write!(f, "code {code}"),
            (None, None) => f.write_str("unknown"),
        }
    }
}

fn modbus_refusal(body: &modbus::Exchange<'_>) -> Option<Refusal> {
    match Response::parse(body.response?) {
        Ok(Response::Exception { code }) => Some(Refusal { code: Some(code), name: exception_name(code) }),
        _ => None,
    }
}

/// The status of a control that was not accepted, else the first indication that refuses.
fn dnp3_refusal(body: &dnp3::Exchange<'_>) -> Option<Refusal> {
    let response = Fragment::parse(body.response?)?;
    if let Some(status) = dnp3::control_status(&response) {
        return Some(Refusal { code: Some(status.0), name: status.name() });
    }
    let Indications([_, second]) = response.indications.filter(|indications| indications.is_refusal())?;
    Some(Refusal { code: None, name: Indications([0, second]).names().next() })
}
