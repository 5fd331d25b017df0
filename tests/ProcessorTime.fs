module ChannelDistillation.Tests.ProcessorTime

open System

/// A result, and the processor time that this process has spent on it. Unlike the time of a clock it does not grow when other processes keep the
/// cores busy; tests run one at a time in their process.
let ofWork (work: unit -> 'result) : 'result * TimeSpan =
    let before = Environment.CpuUsage.TotalTime
    let result = work ()
    result, Environment.CpuUsage.TotalTime - before
