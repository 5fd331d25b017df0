namespace ChannelDistillation.Lab.Progress

open Spectre.Console
open Spectre.Console.Rendering

/// A message printed above a live view. It first erases the view; otherwise the ends of longer lines would stay beside the message. The view is then
/// redrawn below.
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
