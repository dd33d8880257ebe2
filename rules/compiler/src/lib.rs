//! Policy text in, checked policy image or diagnostics out.
