namespace ChannelDistillation.Lab.Workers

open ChannelDistillation.Lab.Runs

/// Runs to be trained together.
type Group = { Runs: Job list; Attempt: Attempt }

/// What a worker is given to do.
type Assignment =
    /// To train a teacher, or to evaluate it.
    | PrepareTeacher of Teachers.PlannedTeacher * Attempt
    /// To train these runs together, and to wait for those that another sweep has or not.
    | TrainRuns of Group * patient: bool
    /// To count what the networks of the experiment cost, for the tables.
    | CountCosts

/// What the files of runs and teachers say while no worker has them.
type Standings =
    {
        /// Epoch and steps of the last checkpoint; None: there is nothing to train any more.
        PlaceOfRun: Job -> struct (int * int) option
        PlaceOfTeacher: Teachers.PlannedTeacher -> struct (int * int) option
        /// Whether it may be what ended earlier processes: these were cut off more than once, without progress.
        IsSuspectRun: Job -> bool
        IsSuspectTeacher: Teachers.PlannedTeacher -> bool
    }

/// What follows after a process ended that had an assignment.
type Sequel =
    /// It had just finished.
    | NothingLeft
    | RunsRetried of Group list
    /// Everything was tried: nobody is given it again.
    | RunGivenUp of Job
    | TeacherRetried of Attempt
    /// The runs that learn from it are left out.
    | TeacherGivenUp of learning: Job list
    /// The tables do without them.
    | CostsGivenUp
