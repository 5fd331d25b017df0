namespace ChannelDistillation.Lab.Progress

open Spectre.Console
open Spectre.Console.Rendering

/// A message above a view that stays in place. It is written where the view begins, which is drawn again after it: nothing of the view's lines
/// may be left beside a message that is shorter.
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
    /// Whoever calls it holds `Progress.console`, or is the only one to write.
    let say (console: IAnsiConsole) (text: string) = console.Write(Message text)
