/// The runs of a plan for plan.json, each with its cohort.
module ChannelDistillation.Lab.Runs.Listing

open ChannelDistillation.Lab.Tables

let ofJobs (lanes: int) (jobs: Job list) : PlanFile.ListedRun list =
    let cohortOf =
        dict
            [ for index, cohort in Job.cohorts lanes jobs |> List.indexed do
                  for job in cohort -> job.Folder, index + 1 ]

    [ for job in jobs -> { Run = job.Run; Folder = job.FolderName; Cohort = cohortOf[job.Folder]; State = string job.State } ]
