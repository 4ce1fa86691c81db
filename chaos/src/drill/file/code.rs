//! The codes of findings that only drill files give.

/// The codes, beside those of any file, which [`topology::yaml::Code`] has.
pub mod codes {
    use topology::yaml::Code;

    /// A `$name` or a `--var` that `configuration` does not have.
    pub const UNKNOWN_VARIABLE: Code = Code::new("unknown_variable");
    /// A word that is no fault.
    pub const UNKNOWN_FAULT: Code = Code::new("unknown_fault");
    /// A kind of provider that does not exist, or not for this kind of step.
    pub const UNKNOWN_PROVIDER: Code = Code::new("unknown_provider");
    /// A step that the method does not have.
    pub const UNKNOWN_STEP: Code = Code::new("unknown_step");
    /// A step that comes only later.
    pub const LATER_STEP: Code = Code::new("later_step");
    /// A step that has no undo, or is undone already.
    pub const NOTHING_TO_UNDO: Code = Code::new("nothing_to_undo");
    /// A probe that the hypothesis does not have.
    pub const UNKNOWN_PROBE: Code = Code::new("unknown_probe");
    /// A tolerance or threshold that its figure can never reach, or always keeps.
    pub const IMPOSSIBLE: Code = Code::new("impossible");
    /// A method without a fault.
    pub const NO_FAULT: Code = Code::new("no_fault");
    /// A fault that changes nothing.
    pub const NO_EFFECT: Code = Code::new("no_effect");
    /// A method that hits more than the blast radius allows.
    pub const BLAST_RADIUS: Code = Code::new("blast_radius");
    /// An objective that this method can never be judged by.
    pub const NOT_JUDGED: Code = Code::new("not_judged");
    /// A world that cannot carry the load when all is well.
    pub const OVERLOAD: Code = Code::new("overload");
}
