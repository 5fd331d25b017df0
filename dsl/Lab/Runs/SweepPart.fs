namespace ChannelDistillation.Lab.Runs

open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning

/// The part of a sweep that one process does. Jobs of a cluster and workers of a command each do a part.
type SweepPart =
    | Everything
    /// Only train (if they have a recipe) and evaluate the teachers.
    | TeachersOnly
    /// Only the teachers of these runs.
    | TeachersOf of folderNames: Set<string>
    /// Only the runs of these folders, without tables: otherwise each of a thousand processes would read a thousand runs.
    | RunsOf of folderNames: Set<string>
    /// The same, without runs that another sweep has claimed.
    | UnclaimedRunsOf of folderNames: Set<string>
    /// Only write the tables.
    | TablesOnly

    /// The folder names of the runs. None: all runs.
    member this.Names =
        match this with
        | TeachersOf names
        | RunsOf names
        | UnclaimedRunsOf names -> Some names
        | Everything
        | TeachersOnly
        | TablesOnly -> None

    member this.IsForTeachers = this.IsTeachersOnly || this.IsTeachersOf

module SweepPart =
    /// The runs of a plan that belong to a part.
    /// <exception cref="UsageError">A run is not in the plan.</exception>
    let ofPlan (part: SweepPart) (plan: Plan) : Plan =
        match part.Names with
        | Some names ->
            let named = plan.Runs |> List.filter (fun run -> names.Contains(RunFolder.NameOf(run.Name, run.Spec)))

            if named.Length < names.Count then
                raise (
                    UsageError
                        "Some of these runs are not in the experiment as this version of the program reads it. Repeat the command that submitted them."
                )

            { plan with Runs = named; Rows = []; Literature = [] }
        | None -> plan
