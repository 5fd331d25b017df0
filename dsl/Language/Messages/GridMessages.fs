/// What is said about grids.
module internal ChannelDistillation.Dsl.Messages.GridMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Messages.Phrases

/// Nothing for mistakes of another kind.
let message (mistake: Diagnostic) : Message option =
    match mistake with
    | UnknownPath(path, segment, after, legal, near) ->
        say "UNKNOWN PATH" $"There is no {code path} in this experiment: {inside after} has no {code segment}." (andKnown (suggest near) legal)
    | NotAnAxis "seeds" -> say "NOT AN AXIS" "Seeds multiply every row already." "list them under `seeds`."
    | NotAnAxis path -> say "NOT AN AXIS" $"{code path} cannot vary within an experiment." ""
    | AxisWithoutProduct(path, values) ->
        say
            "AXIS WITHOUT PRODUCT"
            $"{code path} is a path of the experiment: axes stand under `product` or `zip`."
            ("write " + code $"product: {{ {path}: {values} }}" + ".")
    | PathOverlap(path, other) when path = other -> say "AXIS TWICE" $"{code path} is an axis already." "put all of its values in one place."
    | PathOverlap(("dataset" as whole), part)
    | PathOverlap(part, ("dataset" as whole)) ->
        say
            "OVERLAPPING AXES"
            $"{code part} is a part of {code whole}, which is an axis too."
            "let the axis be `dataset.name`: then everything else of the dataset can vary beside it."
    | PathOverlap(path, other) -> say "OVERLAPPING AXES" $"{code path} and {code other} set the same thing." "keep one of the two."
    | NotDeclaredOnPath(path, loss) ->
        say "UNDECLARED LOSS" $"{code path} varies the loss {code loss}, which is not declared in `losses`." $"declare it there: `{loss}: {{}}`."
    | CaseNotThere(path, case) ->
        say
            "UNKNOWN PATH"
            $"{code path} is a setting of {code case}, but the experiment chooses something else there."
            "vary the whole of it instead, or change what the experiment chooses."
    | PartNotThere(path, part) ->
        say "UNKNOWN PATH" $"{code path} is a part of {code part}, and this experiment does not have that." "write it in the experiment first."
    | ZipLengths(path, length, other, otherLength) ->
        say
            "UNEVEN ZIP"
            $"Values of zipped axes go together one by one, but {code path} has {counted length} and {code other} has {counted otherLength}."
            "give both the same number, or use `product`."
    | ExcludeUnknownAxis(path, axes, near) ->
        let hint = if axes.IsEmpty then "" else $"Axes are: {known axes}."
        say "NOT AN AXIS HERE" $"{code path} is no axis of this grid, so no point can be left out by it." ((suggest near + " " + hint).Trim())
    | UnknownVariant(name, legal, near) -> say "UNKNOWN VARIANT" $"There is no variant {code name}." (andKnown (suggest near) legal)
    | RangeBackwards(from, upTo) -> say "BACKWARD RANGE" $"A range must end above its beginning, but this one goes from {from} to {upTo}." ""
    | RangeNotPositive text ->
        say
            "RANGE FROM ZERO"
            $"With `scale: log` a range must begin above 0, but this one begins at {code text}."
            "begin at a small number such as `1e-4`, or use `scale: linear`."
    | RangeTooDense(from, upTo, count) ->
        say "DENSE RANGE" $"There are fewer than {count} whole numbers from {from} to {upTo}." "lower `count`, or leave it out to get all of them."
    | RangeTooFine(from, upTo, count) ->
        say
            "DENSE RANGE"
            $"The values of a range are rounded to six digits, and rounded some of these {count} from {from} to {upTo} are the same."
            "lower `count`, or list the values."
    | PublishedTwice(row, here, there, at, line) ->
        say
            "TWO NUMBERS"
            $"{code row} has {code here} at this point and {code there} at the point {code at} of line {line}, and one row is at both."
            "remove one of the two, or say more in `at`, so that no row is at both."
    | SameValue(path, value, earlier) when value = earlier -> say "TWICE" $"{code value} is on the axis {code path} already." "remove one of the two."
    | SameValue(path, value, earlier) -> say "TWICE" $"{code value} on the axis {code path} sets the same as {code earlier}." "remove one of the two."
    | GridTooLarge(points, limit) ->
        say
            "HUGE GRID"
            $"This grid has {large points} points; {large (float limit)} is the most that can be planned."
            "use fewer values, or `zip` axes that belong together."
    | EverythingExcluded -> say "NOTHING LEFT" "`exclude` leaves nothing of this experiment." ""
    | ManyRuns(runs, limit) ->
        say "MANY RUNS" $"This experiment has {large (float runs)} runs, more than {large (float limit)}." "if that is meant, add `--yes`."
    | _ -> None
