/// What tests of progress views share.
module ChannelDistillation.Tests.Lab.Progress.Views

open System
open System.Collections.Generic
open System.IO
open Spectre.Console
open ChannelDistillation.Runs

/// An epoch of `ce` alone.
let record epoch error =
    let numbers value : IReadOnlyDictionary<string, float> = Dictionary(dict [ "ce", value ])

    EpochRecord(
        Epoch = epoch,
        LearningRate = 0.1,
        Loss = 2.5,
        Losses = numbers 1.25,
        LossWeights = numbers 1.0,
        TrainTop1Error = 40.0,
        TrainTop5Error = 10.0,
        Top1Error = error,
        Top5Error = 7.5,
        ImagesPerSecond = 812.4,
        Seconds = 60.0
    )

/// A clock that tests set.
type Clock() =
    inherit TimeProvider()
    member val Seconds = 0L with get, set
    override this.GetTimestamp() = this.Seconds
    override _.TimestampFrequency = 1L

/// A terminal without colours.
let console (width: int) (height: int) (output: TextWriter) =
    let console =
        AnsiConsole.Create(AnsiConsoleSettings(Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = AnsiConsoleOutput output))

    console.Profile.Width <- width
    console.Profile.Height <- height
    console
