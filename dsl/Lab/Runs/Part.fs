namespace ChannelDistillation.Lab.Runs

open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning

/// What one process does of a sweep that several share: jobs of a cluster, or the workers of one command, do a part each.
type Part =
    | Everything
    /// Teachers only: trained where they have a recipe, and evaluated.
    | TeachersOnly
    /// The teachers of these runs only.
    | TeachersOf of folderNames: Set<string>
    /// The runs of these folders only. Tables are left to others: a thousand processes would each read a thousand runs for them.
    | RunsOf of folderNames: Set<string>
    /// The same, but runs that another sweep has are left to it.
    | FreeRunsOf of folderNames: Set<string>
    /// Nothing is trained.
    | TablesOnly

    /// Some runs, by the names of their folders; None: all.
    member this.Names =
        match this with
        | TeachersOf names
        | RunsOf names
        | FreeRunsOf names -> Some names
        | Everything
        | TeachersOnly
        | TablesOnly -> None

    member this.IsForTeachers = this.IsTeachersOnly || this.IsTeachersOf

module Part =
    /// The part of a plan that is looked at.
    /// <exception cref="UsageError">A run is not in the plan.</exception>
    let ofPlan (part: Part) (plan: Plan) : Plan =
        match part.Names with
        | Some names ->
            let named = plan.Runs |> List.filter (fun run -> names.Contains(RunFolder.NameOf(run.Name, run.Spec)))

            if named.Length < names.Count then
                raise (
                    UsageError
                        "Some of these runs are not in the experiment, as this version of the program reads it. Repeat the command that submitted them."
                )

            { plan with Runs = named; Rows = []; Literature = [] }
        | None -> plan
