namespace ChannelDistillation.Lab.Slurm

open System.Collections.Generic
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep

/// What is left of a sweep for a cluster to do.
type Work =
    {
        /// The runs that were asked for.
        Chosen: Job list
        /// Those that need training, and that no job waits for or works on: one element of an array for each cohort.
        Cohorts: Job list list
        /// Runs that need training and are with the scheduler.
        Queued: Job list
        Teachers: Teachers.PlannedTeacher list
        /// Whether a job for the teachers comes first.
        TeachersFirst: bool
        /// What the scheduler has of this experiment.
        Entries: QueueEntry list
    }

    member this.Runs = this.Cohorts |> List.sumBy _.Length

    /// The jobs that are just ending and have runs which are not yet trained: cancelled ones, or some that Slurm will queue again.
    member this.EndingJobs =
        this.Entries
        |> List.filter (fun entry -> entry.Kind = Train && entry.IsEnding)
        |> Queue.workingFor (HashSet(this.Queued |> List.map Job.nameOf))
        |> List.map _.Job
        |> List.distinct

    /// Whether the scheduler has something for the runs that were asked for.
    member this.IsUnderWay = not (Queue.workingFor (HashSet(this.Chosen |> List.map Job.nameOf)) this.Entries).IsEmpty

module Work =
    /// From the runs' folders and what the scheduler has of this experiment.
    let find (options: SweepOptions) (plan: Plan) (entries: QueueEntry list) : Work =
        let chosen = Job.ofPlan (Sweep.folderOf options.Out plan) plan |> Job.chosen options.Only
        let pending = chosen |> List.filter (fun job -> RunState.needsTraining options.RetryFailed job.State)
        let queued = Queue.runs entries
        let waiting, missing = pending |> List.partition (Job.nameOf >> queued.Contains)
        let teachers = missing |> Seq.map _.Run |> Teachers.ofRuns
        let store = TeacherStore options.Workspace

        { Chosen = chosen
          Cohorts = Job.cohorts options.Lanes missing
          Queued = waiting
          Teachers = teachers
          TeachersFirst =
            teachers
            |> List.exists (fun teacher ->
                not (store.IsWhole(teacher.Spec, teacher.Dataset)) || isNull (store.KnownErrors(teacher.Spec, teacher.Dataset)))
          Entries = entries }
