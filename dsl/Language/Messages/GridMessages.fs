/// Messages about grids and paths.
module internal ChannelDistillation.Dsl.Messages.GridMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.MessageFormat
open ChannelDistillation.Dsl.Messages.Phrases

/// None for diagnostics of other groups.
let message (diagnostic: Diagnostic) : Message option =
    match diagnostic with
    | UnknownPath(_, segment, after, legal, near) ->
        say "UNKNOWN PATH" $"{inside after} has no {code segment}." (withKnown "valid keys" (suggest near) legal)
    | NotAnAxis "seeds" -> say "NOT AN AXIS" "`seeds` cannot be an axis: every row already has a run for each seed." "list the seeds under `seeds`."
    | NotAnAxis path -> say "NOT AN AXIS" $"{code path} cannot be an axis." ""
    | AxisWithoutProduct(path, values) ->
        say
            "AXIS WITHOUT PRODUCT"
            $"The axis {code path} belongs under `product` or `zip`."
            ("write " + code $"product: {{ {path}: {values} }}" + ".")
    | LongAxisName(name, most) -> say "LONG NAME" $"{code name} is too long for the name of an axis." $"use at most {most} characters."
    | BadAxisName name ->
        say
            "INVALID NAME"
            $"{code name} cannot be the name of an axis."
            "use letters, digits, `_` and `-`, and begin with a letter; list the paths that it sets under `paths`."
    | ReservedAxisName name ->
        say "RESERVED NAME" $"{code name} cannot be the name of an axis, because files or tables already use it." "choose another name, such as `T`."
    | PathOverlap(path, other) when path = other -> say "DUPLICATE AXIS" $"{code path} is already an axis." "put all its values in one place."
    | PathOverlap(("dataset" as whole), part)
    | PathOverlap(part, ("dataset" as whole)) ->
        say
            "OVERLAPPING AXES"
            $"{code part} is part of {code whole}, which is also an axis."
            "use `dataset.name` as the axis; it can be combined with axes of the rest of the dataset."
    | PathOverlap(path, other) -> say "OVERLAPPING AXES" $"{code path} and {code other} set the same thing." "keep one of them."
    | NotDeclaredOnPath(path, loss) ->
        say "UNDECLARED LOSS" $"{code path} varies the loss {code loss}, which is not declared in `losses`." $"declare it: `{loss}: {{}}`."
    | CaseNotUsed(path, case) ->
        say
            "UNKNOWN PATH"
            $"{code path} is a setting of {code case}, which this experiment does not use."
            $"use {code case} in the experiment, or vary the whole section."
    | PartNotSet(path, "none") ->
        say
            "UNKNOWN PATH"
            $"{code path} does not exist, because the experiment sets `none` there."
            "replace `none` with a mapping, or vary the whole section."
    | PartNotSet(path, part) ->
        say "UNKNOWN PATH" $"{code path} is part of {code part}, which this experiment does not set." $"add {code part} to the experiment."
    | ZipLengths(path, length, other, otherLength) ->
        say
            "UNEVEN ZIP"
            $"Axes in the same entry of `zip` need the same number of values, but {code path} has {counted length} and {code other} has {counted otherLength}."
            "make the lists equally long, or use `product`."
    | ExcludeUnknownAxis(path, axes, near) ->
        say "UNKNOWN AXIS" $"{code path} is not an axis of this grid, so `exclude` cannot use it." (withKnown "axes" (suggest near) axes)
    | UnknownVariant(name, legal, near) -> say "UNKNOWN VARIANT" $"There is no variant {code name}." (withKnown "variants" (suggest near) legal)
    | RangeBackwards(from, upTo) -> say "INVALID RANGE" $"`to` must be greater than `from`, but the range goes from {from} to {upTo}." ""
    | RangeNotPositive text ->
        say
            "INVALID RANGE"
            $"With `scale: log`, `from` must be greater than 0, but this is {code text}."
            "start at a small number such as `1e-4`, or use `scale: linear`."
    | RangeTooDense(from, upTo, count) ->
        say "INVALID RANGE" $"There are fewer than {count} whole numbers from {from} to {upTo}." "lower `count`, or omit it to get all of them."
    | RangeTooFine(from, upTo, count) ->
        say "INVALID RANGE" $"Rounded to six digits, some of the {count} values from {from} to {upTo} are equal." "lower `count`, or list the values."
    | ConflictingPublished(row, here, there, at, line) ->
        say
            "CONFLICTING NUMBERS"
            $"A row of {code row} matches two points: {code here} here, and {code there} at {code at} in line {line}."
            "remove one of them, or make `at` more specific."
    | DuplicateAxisValue(path, value, earlier) when value = earlier ->
        say "DUPLICATE VALUE" $"The axis {code path} already has the value {code value}." "remove one of them."
    | DuplicateAxisValue(path, value, earlier) ->
        say "DUPLICATE VALUE" $"On the axis {code path}, {code value} sets the same as {code earlier}." "remove one of them."
    | GridTooLarge(points, limit) ->
        say
            "GRID TOO LARGE"
            $"This grid has {large points} points; the limit is {large (float limit)}."
            "use fewer values, or `zip` axes that vary together."
    | EverythingExcluded -> say "NO RUNS LEFT" "`exclude` removes every run of this experiment." ""
    | ManyRuns(runs, limit) ->
        say "MANY RUNS" $"This experiment has {large (float runs)} runs, more than {large (float limit)}." "to run them all, add `--yes`."
    | _ -> None
