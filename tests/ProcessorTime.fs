module ChannelDistillation.Tests.ProcessorTime

open System

/// Runs the work and returns its result with the CPU time of this process. Unlike elapsed time, it does not depend on other processes; tests run one at
/// a time in their process.
let ofWork (work: unit -> 'result) : 'result * TimeSpan =
    let before = Environment.CpuUsage.TotalTime
    let result = work ()
    result, Environment.CpuUsage.TotalTime - before
