namespace ChannelDistillation.Dsl.Slurm

open System
open System.IO
open System.Text.RegularExpressions

/// The jobs of a submission.
type JobKind =
    | Teachers
    | Train
    | Tables

    /// In the names of jobs, of scripts and of logs.
    override this.ToString() =
        match this with
        | Teachers -> "teachers"
        | Train -> "train"
        | Tables -> "tables"

/// A folder `slurm/ID` in an experiment's folder: the experiment as it was submitted, the cohorts, the scripts, and what they wrote.
/// Its jobs are called EXPERIMENT.ID.KIND, and so the queue itself tells what belongs to which folder.
type Submission = { Experiment: string; Id: string; Folder: string }

module Submission =
    let parentOf (experimentFolder: string) = Path.Combine(experimentFolder, "slurm")

    let at (experimentFolder: string) (id: string) : Submission =
        { Experiment = nonNull (Path.GetFileName experimentFolder)
          Id = id
          Folder = Path.Combine(parentOf experimentFolder, id) }

    /// In the order of time, and unlike those of other processes at the same time.
    let newId (now: DateTime) = now.ToString "yyyyMMdd-HHmmss" + "-" + Guid.NewGuid().ToString("N").Substring(0, 4)

    let jobName (submission: Submission) (kind: JobKind) = $"{submission.Experiment}.{submission.Id}.{kind}"

    let private form = Regex(@"\A(.+)\.(\d{8}-\d{6}-[0-9a-f]{4})\.(teachers|train|tables)\z", RegexOptions.CultureInvariant)

    /// The submission of an experiment that a job belongs to, and what it does there; None: it is another's.
    let tryParse (experimentFolder: string) (jobName: string) : (Submission * JobKind) option =
        let found = form.Match jobName

        if found.Success && found.Groups[1].Value = nonNull (Path.GetFileName experimentFolder) then
            let submission = at experimentFolder found.Groups[2].Value
            let kind = [ Teachers; Train; Tables ] |> List.find (fun kind -> string kind = found.Groups[3].Value)
            // Another folder may hold an experiment of the same name.
            if Directory.Exists submission.Folder then Some(submission, kind) else None
        else
            None

    let experimentFile (submission: Submission) = Path.Combine(submission.Folder, "experiment.yaml")
    let scriptFile (submission: Submission) (kind: JobKind) = Path.Combine(submission.Folder, $"{kind}.sh")
    let logs (submission: Submission) = Path.Combine(submission.Folder, "logs")

    let private cohortsFile (folder: string) = Path.Combine(folder, "cohorts.txt")

    /// One cohort to a line: the names of its runs' folders.
    let writeCohorts (submission: Submission) (cohorts: string list list) =
        File.WriteAllLines(cohortsFile submission.Folder, cohorts |> List.map (String.concat " "))

    /// By element, from 1.
    let readCohorts (submissionFolder: string) : string list[] =
        File.ReadAllLines(cohortsFile submissionFolder) |> Array.map (fun line -> List.ofArray (line.Split ' '))
