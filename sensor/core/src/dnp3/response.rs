use super::application::Fragment;
use super::control::Status;
use super::header::ObjectHeader;
use super::objects::{FileObject, FileStatus, Value};

/// The status of a control that the outstation did not accept: the first one in the response that is not SUCCESS.
/// `None` if it accepted all, and for fragments that are no response.
#[cfg_attr(target_os = "none", inline(never))]
pub fn control_status(response: &Fragment<'_>) -> Option<Status> {
    response.indications?;
    controls(response).find_map(|header| refused_controls(&header).next())
}

/// Tells the statuses of all controls that the outstation did not accept, in the order of the response.
pub fn control_statuses(response: &Fragment<'_>, tell: &mut dyn FnMut(Status)) {
    if response.indications.is_some() {
        controls(response).for_each(|header| refused_controls(&header).for_each(&mut *tell));
    }
}

/// The status of a file command or block that the outstation did not carry out. `None` if it did, and for fragments
/// that are no response.
pub fn file_status(response: &Fragment<'_>) -> Option<FileStatus> {
    response.indications?;
    response.headers().filter_map(Result::ok).find_map(|header| refused_file(&header))
}

/// Whether the outstation refused what it was asked: by an internal indication (function not supported, object
/// unknown, parameter error), by the status of a control or file, or since it did not believe who asked.
pub fn is_refusal(response: &Fragment<'_>) -> bool {
    let Some(indications) = response.indications else { return false };
    indications.is_refusal()
        || response.is_authentication_error()
        || response.headers().filter_map(Result::ok).any(|header| match header.group {
            12 | 41 => refused_controls(&header).next().is_some(),
            70 => refused_file(&header).is_some(),
            _ => false,
        })
}

/// The controls that a response echoes.
fn controls<'a>(response: &Fragment<'a>) -> impl Iterator<Item = ObjectHeader<'a>> + use<'a> {
    response.headers().filter_map(Result::ok).filter(|header| matches!(header.group, 12 | 41))
}

fn refused_controls<'a>(header: &ObjectHeader<'a>) -> impl Iterator<Item = Status> + use<'a> {
    header.points().filter_map(|point| point.status).filter(|status| *status != Status::SUCCESS)
}

fn refused_file(header: &ObjectHeader<'_>) -> Option<FileStatus> {
    let answers = (header.group == 70).then(|| header.points())?;
    let statuses = answers.filter_map(|point| match point.value {
        Value::File(FileObject::CommandStatus { status, .. } | FileObject::TransportStatus { status, .. }) => {
            Some(status)
        }
        _ => None,
    });
    statuses.into_iter().find(|status| *status != FileStatus::SUCCESS)
}
