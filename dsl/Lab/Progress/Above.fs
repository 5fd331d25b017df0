namespace ChannelDistillation.Lab.Progress

open Spectre.Console
open Spectre.Console.Rendering

/// A message above a view in place. It is written where the view starts, which is then redrawn below it; so it first erases the view, of which
/// longer lines would remain.
[<Sealed>]
type private Message(text: string) =
    inherit Renderable()
    // ECMA-48, "erase in page": from here to the end of the screen.
    let eraseBelow = "\u001b[0J"

    override _.Render(options, width) =
        seq {
            Segment.Control eraseBelow
            yield! (View.safe (Text text)).Render(options, width)
            Segment.LineBreak
        }

module Above =
    /// Callers hold the lock `Progress.console`, or are the only writer.
    let say (console: IAnsiConsole) (text: string) = console.Write(Message text)
