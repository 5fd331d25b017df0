/// Messages about parts of an experiment that do not fit together.
module internal ChannelDistillation.Dsl.Messages.ExperimentMessages

open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.MessageFormat
open ChannelDistillation.Dsl.Messages.Phrases

/// None for diagnostics of other groups.
let message (diagnostic: Diagnostic) : Message option =
    match diagnostic with
    | TeacherWithoutSource ->
        say
            "TEACHER WITHOUT WEIGHTS"
            "This teacher has no weights."
            "add `checkpoint: FILE`, or `train: { epochs: 10 }` to train it first. `teacher list` shows teachers that need only a name."
    | TeacherWithTwoSources -> say "CONFLICTING KEYS" "A teacher has either `checkpoint` or `train`, not both." "remove one of them."
    | KnownTeacherDescribed key ->
        say
            "CONFLICTING KEYS"
            $"`known` determines the teacher's network and weights, so {code key} cannot be set."
            $"remove {code key}, or remove `known` and describe the teacher yourself."
    | TorchScriptUnusable reason -> say "UNUSABLE MODULE" reason "export modules with python/channel_distillation.py (docs/python.md)."
    | TorchScriptDescribed key ->
        say
            "CONFLICTING KEYS"
            $"The `torchscript` file determines the architecture and the weights, so {code key} cannot be set."
            $"remove {code key}, or remove `torchscript`."
    | BuiltInLossName loss -> say "RESERVED NAME" $"{code loss} is the name of a built-in loss." $"choose another name, such as `my-{loss}`."
    | ImageSizeMismatch(file, own, dataset, here) ->
        let wanted = here.Replace("x", ", ")

        say
            "IMAGE SIZE MISMATCH"
            $"{code file} takes {own} images (channels x height x width), but {code dataset} has {here} images."
            $"export it again with `image=({wanted})`."
    | ClassCountMismatch(file, own, dataset, here) ->
        say "CLASS COUNT MISMATCH" $"{code file} has {own} logits, but {code dataset} has {here} classes." $"export a network with {here} outputs."
    | TorchScriptInBFloat16 files ->
        let are =
            if files.Length = 1 then
                "is a TorchScript file, which computes"
            else
                "are TorchScript files, which compute"

        say "FLOAT32 ONLY" $"{codes files} {are} in float32 only." "remove `precision: bfloat16`."
    | MissingOutputs(losses, what, file, outputs) ->
        let reads, those = if losses.Length = 1 then "reads", "the loss" else "read", "these losses"

        say
            "MISSING OUTPUT"
            $"{codes losses} {reads} {what}, but {code file} outputs only {codes outputs}."
            $"export it again with more `taps`, or remove {those}."
    | TeacherDatasetMismatch(teacher, (own, ownClasses, ownSize), (here, classes, size)) ->
        say
            "TEACHER DOES NOT FIT"
            $"The teacher {code teacher} was trained on {code own} with {ownClasses} classes and {ownSize} images, but {code here} has {classes} classes and {size} images."
            $"choose a teacher trained on {code here}, or train one: `{{ model: NETWORK, train: {{}} }}`."
    | CannotCacheAugmented still ->
        say
            "CANNOT CACHE"
            "`cache: true` needs training images without random augmentation."
            $"limit augmentation to a few views of each image, `cache: {{ views: 8 }}`, or turn it off in `dataset`: `augment: {{ {still} }}`."
    | CannotCacheBatchStats ->
        say
            "CANNOT CACHE"
            "With `batch_norm: batch_stats`, the teacher's output for an image depends on the whole batch and cannot be cached."
            "remove `cache` or `batch_norm`."
    | CannotCacheFeatureMaps(losses, variants, served) ->
        let reads = if losses.Length = 1 then "reads" else "read"
        let row = if variants.Length = 1 then "variant" else "variants"

        say
            "CANNOT CACHE"
            $"{codes losses} in the {row} {codes variants} {reads} whole maps; `cache` holds only channel means, logits and embeddings."
            $"remove `cache`, or move the {row} to another experiment. `cache` works with {codes served}, and losses without a teacher."
    | NameAndFolder ->
        say
            "CONFLICTING KEYS"
            "`name` selects a known dataset; `image_folder` and `classes` describe a folder of images. They cannot be combined."
            "remove `name`, or remove `image_folder` and `classes`."
    | UndeclaredLoss("edt", _, _, _) ->
        say "PRESET IN A LIST" "`edt` is a preset for the whole variant, not a loss." "write `{ losses: [ce, cd], edt: cifar }`."
    | UndeclaredLoss(loss, variant, declared, near) ->
        let hint =
            if near.IsEmpty && not (isNull (LossCatalog.Find loss)) then
                $"declare it: `{loss}: {{}}`."
            else
                didYouMean described near

        say
            "UNDECLARED LOSS"
            $"The variant {code variant} uses the loss {code loss}, which is not declared in `losses`."
            (withKnown "declared losses" hint declared)
    | LossesAsMapping list -> say "NOT A LIST" "The losses of a variant must be a list, but this is a mapping (`key: value`)." $"write {code list}."
    | NoTeacher(loss, variant, others) ->
        let text =
            $"The loss {code loss} in the variant {code variant} needs a teacher, but this experiment has none (`teacher: none`)."

        let more =
            match others with
            | [] -> ""
            | [ one ] -> $" The variant {code one} needs one too."
            | several -> $" The variants {codes several} need one too."

        say "NO TEACHER" (text + more) "add a `teacher`, or use only losses that need none, such as `ce`."
    | CannotPair(student, teacher, losses) ->
        let names chosen = codes [ for loss, _, _ in chosen -> loss ]

        let text =
            losses
            |> List.groupBy (fun (_, reason, _) -> reason)
            |> List.mapi (fun index (reason, group) ->
                match index, group with
                | 0, [ loss, _, _ ] -> $"The loss {code loss} cannot compare the student {code student} with the teacher {code teacher}: {reason}."
                | 0, several -> $"The losses {names several} cannot compare the student {code student} with the teacher {code teacher}: {reason}."
                | _, others -> $"Nor can {names others}: {reason}.")

        let remedies = losses |> List.map (fun (_, _, remedy) -> remedy) |> List.distinct
        let those = if losses.Length = 1 then "the loss" else "these losses"
        say "FEATURES DO NOT PAIR" (System.String.Join(" ", text)) (System.String.Join("; ", remedies) + $"; or remove {those}.")
    | UnknownStem(model, stem, legal) -> say "UNKNOWN STEM" $"{code model} has no stem {code stem}." $"use {either legal}, or omit `stem`."
    | ExtendsNotFound(path, near) ->
        say "FILE NOT FOUND" $"{code path} does not exist. The path in `extends` is relative to the folder of this file." (suggest near)
    | ExtendsScript path ->
        say
            "NOT YAML"
            $"{code path} is an F# script, and `extends` accepts only YAML files. Scripts run only if the command line names them."
            "write the script's YAML to a file, `dotnet fsi SCRIPT > FILE.yaml`, and extend that file."
    | ExtendsItself chain ->
        let chain = System.String.Join(" -> ", List.map code chain)
        say "CIRCULAR EXTENDS" $"These files extend one another in a circle: {chain}." "remove one `extends`."
    | ExtendsTooLong limit -> say "TOO MANY EXTENDS" $"This chain of `extends` is longer than {limit} files." "merge some of the files."
    | ScriptFailed output -> say "SCRIPT FAILED" ("The script ended with an error:\n" + System.String.Join("\n", output)) ""
    | ScriptWithoutExperiment -> say "NO EXPERIMENT" "The script ran but returned no experiment." "end it with `|> emit`."
    | SetWithoutValue -> say "MISSING VALUE" "`--set` needs a path and a value, such as `--set train.epochs=2`." ""
    | NotSettable path -> say "NOT A SETTING" $"{code path} can only be set in the file." ""
    | SetBelowValue(path, segment) ->
        say "UNKNOWN PATH" $"{inside path} has no part {code segment}." $"set the whole value: `--set {MessageFormat.path path}=VALUE`."
    | SettingWithoutEffect(path, overrides) ->
        let text, hint = overriding path overrides
        say "SETTING WITHOUT EFFECT" $"No run uses this setting: {text}." hint
    | NothingTrained(variant, others) ->
        let what = if others.IsEmpty then "variant" else "variants"

        say
            "NOTHING TRAINED"
            $"All losses of the {what} {codes (variant :: others)} have weight 0, so the student would not change."
            "give at least one of the losses a weight, or remove the row (`exclude` removes a point of a grid)."
    | _ -> None
