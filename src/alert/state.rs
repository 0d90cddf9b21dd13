//! PURE. From one check to the next.
