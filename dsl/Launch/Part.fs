namespace ChannelDistillation.Dsl.Launch

open ChannelDistillation.Dsl
open ChannelDistillation.Records

/// What one process does of a sweep that several share: jobs of a cluster do a part each.
type Part =
    | Everything
    /// Teachers only: trained where they have a recipe, and evaluated.
    | TeachersOnly
    /// The runs of these folders only. Tables are left to others: a thousand processes would each read a thousand runs for them.
    | RunsOf of folderNames: Set<string>
    /// Nothing is trained.
    | TablesOnly

module Part =
    /// The part of a plan that is looked at.
    /// <exception cref="Refused">A run is not in the plan.</exception>
    let ofPlan (part: Part) (plan: Plan) : Plan =
        match part with
        | RunsOf names ->
            let named = plan.Runs |> List.filter (fun run -> names.Contains(RunFolder.NameOf(run.Name, run.Spec)))

            if named.Length < names.Count then
                raise (
                    Refused
                        "Some of these runs are not in the experiment, as this version of the program reads it. Repeat the command that submitted them."
                )

            { plan with Runs = named; Rows = []; Literature = [] }
        | _ -> plan
