//! `sendmail`, as every mail server of a host brings it: Postfix, Exim, msmtp, OpenSMTPD.

use super::{Argv, Input};

/// Hands over a message with its headers. Recipients are in its header `To`, so that no address is among the arguments, where other
/// users could read it; a line of a single dot ends nothing.
pub fn send(message: &str) -> Argv {
    Argv { input: Some(Input::bytes("the message", message)), ..Argv::new("sendmail", ["-i", "-t"]) }
}
