//! What is known between two checks: one document, in two slots that are written in turn.
