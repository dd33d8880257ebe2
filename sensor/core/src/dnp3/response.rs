use super::application::Fragment;
use super::control::Status;

/// The status of a control that the outstation did not accept: the first one in the response that is not SUCCESS.
/// `None` if it accepted all, and for fragments that are no response.
pub fn control_status(response: &Fragment<'_>) -> Option<Status> {
    response.indications?;
    let echoes = response.headers().flatten().filter(|header| matches!(header.group, 12 | 41));
    echoes.flat_map(|header| header.points()).filter_map(|point| point.status).find(|status| *status != Status::SUCCESS)
}

/// Whether the outstation refused what it was asked: by an internal indication (function not supported, object
/// unknown, parameter error) or by the status of a control.
pub fn is_refusal(response: &Fragment<'_>) -> bool {
    response.indications.is_some_and(super::Indications::is_refusal) || control_status(response).is_some()
}
