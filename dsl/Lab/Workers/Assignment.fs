namespace ChannelDistillation.Lab.Workers

open ChannelDistillation.Lab.Runs

/// Runs that are trained together.
type Group = { Runs: Job list; Attempt: Attempt }

/// The work that a worker is given.
type Assignment =
    /// Train or evaluate a teacher.
    | PrepareTeacher of Teachers.PlannedTeacher * Attempt
    /// Train these runs together. `patient`: wait for runs claimed by another sweep.
    | TrainRuns of Group * patient: bool
    /// Count the costs of the experiment's networks, for the tables.
    | CountCosts

/// The progress of runs and teachers according to their files, while no worker has them.
type ProgressLookup =
    {
        /// Epoch and step of the last checkpoint. None: no training is needed.
        ProgressOfRun: Job -> struct (int * int) option
        ProgressOfTeacher: Teachers.PlannedTeacher -> struct (int * int) option
        /// Whether the run may have crashed earlier processes: more than one session was cut off without progress.
        IsSuspectRun: Job -> bool
        IsSuspectTeacher: Teachers.PlannedTeacher -> bool
    }

/// What happens after the process of an assignment ended.
type CrashOutcome =
    /// The assignment had just been completed.
    | NothingLeft
    | RunsRetried of Group list
    /// All retries are used up; the run is not assigned again.
    | RunGivenUp of Job
    | TeacherRetried of Attempt
    /// The runs that need the teacher are skipped.
    | TeacherGivenUp of learning: Job list
    /// The tables omit the costs.
    | CostsGivenUp
