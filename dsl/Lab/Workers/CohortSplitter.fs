/// Divides the last cohorts of a sweep so that no worker is idle.
module ChannelDistillation.Lab.Workers.CohortSplitter

/// Halves the largest cohort (the first among equals) until there are `pieces` cohorts or each has one run. Keeps the order of the runs.
let rec into (pieces: int) (cohorts: 'run list list) : 'run list list =
    let largest = cohorts |> List.map _.Length |> List.fold max 0

    if cohorts.Length >= pieces || largest < 2 then
        cohorts
    else
        let index = cohorts |> List.findIndex (fun cohort -> cohort.Length = largest)
        let first, second = List.splitAt ((largest + 1) / 2) cohorts[index]
        into pieces (List.truncate index cohorts @ [ first; second ] @ List.skip (index + 1) cohorts)
