namespace ChannelDistillation.Lab.Slurm

open System.Collections.Generic
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep

/// The remaining work of a sweep on a cluster.
type Work =
    {
        /// The runs selected with `--only`.
        Chosen: Job list
        /// The runs that need training and have no job: one array element per cohort.
        Cohorts: Job list list
        /// The runs that need training and have a job.
        Queued: Job list
        Teachers: Teachers.PlannedTeacher list
        /// The completed runs that are trained again; they are still in their folders.
        Retrained: Job list
        /// Whether a job for the teachers comes first.
        TeachersFirst: bool
        /// The queue entries of this experiment.
        Entries: QueueEntry list
    }

    member this.Runs = this.Cohorts |> List.sumBy _.Length

    /// The jobs that are ending with untrained runs: cancelled ones, or ones that Slurm will requeue.
    member this.EndingJobs =
        this.Entries
        |> List.filter (fun entry -> entry.Kind = Train && entry.IsEnding)
        |> Queue.workingFor (HashSet(this.Queued |> List.map Job.nameOf))
        |> List.map _.Job
        |> List.distinct

    /// Whether a selected run has a job.
    member this.IsUnderWay = not (Queue.workingFor (HashSet(this.Chosen |> List.map Job.nameOf)) this.Entries).IsEmpty

module Work =
    /// Finds the remaining work from the runs' folders and the queue entries of this experiment.
    let find (options: SweepOptions) (plan: Plan) (entries: QueueEntry list) : Work =
        let planned = Retraining.plan options (Sweep.folderOf options.Out plan) plan
        let chosen = Job.chosen options.Only planned.Jobs
        let pending = chosen |> List.filter (fun job -> RunState.needsTraining options.RetryFailed job.State)
        let queued = Queue.runs entries
        let waiting, missing = pending |> List.partition (Job.nameOf >> queued.Contains)
        let teachers = missing |> Seq.map _.Run |> Teachers.ofRuns
        let store = TeacherStore options.Workspace

        { Chosen = chosen
          Cohorts = Job.cohorts options.Lanes missing
          Queued = waiting
          Teachers = teachers
          Retrained = planned.Retrained
          TeachersFirst =
            teachers
            |> List.exists (fun teacher ->
                not (store.IsIntact(teacher.Spec, teacher.Dataset)) || isNull (store.KnownErrors(teacher.Spec, teacher.Dataset)))
          Entries = entries }
