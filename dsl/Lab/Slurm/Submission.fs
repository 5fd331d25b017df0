namespace ChannelDistillation.Lab.Slurm

open System
open System.IO
open System.Text.RegularExpressions
open ChannelDistillation.Core

/// The jobs of a submission.
type JobKind =
    | Teachers
    | Train
    | Tables

    /// As used in the names of jobs, scripts and logs.
    override this.ToString() =
        match this with
        | Teachers -> "teachers"
        | Train -> "train"
        | Tables -> "tables"

/// A folder `slurm/ID` in an experiment's folder, with the experiment as submitted, the cohorts, the scripts and their logs.
/// Its jobs are named EXPERIMENT.ID.KIND, so that the queue shows which folder a job belongs to.
type Submission = { Experiment: string; Id: string; Folder: string }

module Submission =
    let parentOf (experimentFolder: string) = Path.Combine(experimentFolder, "slurm")

    let at (experimentFolder: string) (id: string) : Submission =
        { Experiment = nonNull (Path.GetFileName experimentFolder)
          Id = id
          Folder = Path.Combine(parentOf experimentFolder, id) }

    /// A new ID that sorts by time and is unique among processes.
    let newId (now: DateTime) = now.ToString "yyyyMMdd-HHmmss" + "-" + Guid.NewGuid().ToString("N").Substring(0, 4)

    let jobName (submission: Submission) (kind: JobKind) = $"{submission.Experiment}.{submission.Id}.{kind}"

    let private form = Regex(@"\A(.+)\.(\d{8}-\d{6}-[0-9a-f]{4})\.(teachers|train|tables)\z", RegexOptions.CultureInvariant)

    let experimentFile (submission: Submission) = Path.Combine(submission.Folder, "experiment.yaml")
    let scriptFile (submission: Submission) (kind: JobKind) = Path.Combine(submission.Folder, $"{kind}.sh")
    let logs (submission: Submission) = Path.Combine(submission.Folder, "logs")

    /// The submission and kind of a job of this experiment. None: the job belongs to another experiment.
    /// <param name="script">The script that was passed to sbatch.</param>
    let tryParse (experimentFolder: string) (script: string) (jobName: string) : (Submission * JobKind) option =
        let found = form.Match jobName

        if found.Success && found.Groups[1].Value = nonNull (Path.GetFileName experimentFolder) then
            let submission = at experimentFolder found.Groups[2].Value
            let kind = [ Teachers; Train; Tables ] |> List.find (fun kind -> string kind = found.Groups[3].Value)
            // Another folder can hold an experiment of the same name, and this submission's folder may have been deleted.
            if script = scriptFile submission kind || Directory.Exists submission.Folder then
                Some(submission, kind)
            else
                None
        else
            None

    let private cohortsFile (folder: string) = Path.Combine(folder, "cohorts.txt")

    /// Writes one cohort per line: the names of its runs' folders.
    let writeCohorts (submission: Submission) (cohorts: string list list) =
        AtomicFile.WriteText(cohortsFile submission.Folder, String.concat "" [ for runs in cohorts -> String.concat " " runs + "\n" ])

    /// The name of a run's folder, which ends with part of its hash.
    let private runName = Regex(@"\A\S+-[0-9a-f]{8}\z", RegexOptions.CultureInvariant)

    /// The cohorts line by line, or what is wrong with the file.
    let readCohorts (submissionFolder: string) : Result<string list[], string> =
        let file = cohortsFile submissionFolder

        try
            let cohorts = File.ReadAllLines file |> Array.map (fun line -> List.ofArray (line.Split ' '))

            match cohorts |> Array.tryFindIndex (List.forall runName.IsMatch >> not) with
            | Some index -> Error $"{file} is damaged: line {index + 1} does not name runs."
            | None -> Ok cohorts
        with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException -> Error $"{file} does not exist."
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error $"{file} cannot be read: {error.Message}"

    /// The runs of some elements, numbered from 1, or what is wrong with the file.
    let runsOf (submissionFolder: string) (elements: int list) : Result<string list, string> =
        readCohorts submissionFolder
        |> Result.bind (fun cohorts ->
            match elements |> List.tryFind (fun element -> element < 1 || element > cohorts.Length) with
            | Some element -> Error $"{cohortsFile submissionFolder} has no line {element}; its last line is {cohorts.Length}."
            | None -> Ok(elements |> List.collect (fun element -> cohorts[element - 1])))
