/// What is said about parts that do not fit together.
module internal ChannelDistillation.Dsl.Messages.ExperimentMessages

open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Messages.Phrases

/// Nothing for mistakes of another kind.
let message (mistake: Diagnostic) : Message option =
    match mistake with
    | TeacherWithoutSource ->
        say
            "TEACHER WITHOUT WEIGHTS"
            "I do not know where the weights of this teacher come from."
            "give it `checkpoint: FILE`, or `train: { epochs: 10 }` to train it first. `teacher list` shows teachers that a name is enough for."
    | TeacherWithTwoSources ->
        say "TWO KINDS OF TEACHER" "A teacher has a `checkpoint`, or it is trained by `train`, but not both." "remove one of the two."
    | KnownTeacherDescribed key ->
        say
            "KNOWN TEACHER DESCRIBED"
            $"A `known` teacher has its network and its weights from its name: {code key} cannot be chosen."
            $"remove {code key}, or remove `known` and describe the teacher."
    | TorchScriptUnusable reason -> say "UNUSABLE MODULE" reason "python/channel_distillation.py exports modules that can be used (docs/python.md)."
    | TorchScriptDescribed key ->
        say
            "MODULE DESCRIBED"
            $"A network from `torchscript` has its architecture and its weights from its file: {code key} cannot be chosen."
            $"remove {code key}, or remove `torchscript`."
    | BuiltInLossName loss ->
        say
            "NAME OF A BUILT-IN LOSS"
            $"{code loss} is a built-in loss: a table could not tell it from a loss from Python of the same name."
            $"give yours another name, for instance `my-{loss}`."
    | NetworkOfOtherImages(file, own, dataset, here) ->
        let wanted = here.Replace("x", ", ")

        say
            "NETWORK FOR OTHER IMAGES"
            $"{code file} takes images of {own} (channels x height x width), and {code dataset} has {here}."
            $"export it again with `image=({wanted})`."
    | NetworkOfOtherClasses(file, own, dataset, here) ->
        say
            "NETWORK FOR OTHER CLASSES"
            $"{code file} has {own} logits, and {code dataset} has {here} classes."
            $"export a network that has {here} outputs."
    | TorchScriptInBFloat16 files ->
        let compute = if files.Length = 1 then "computes" else "compute"

        say
            "FLOAT32 ONLY"
            $"{codes files} {compute} in float32: the layers of a TorchScript file are fixed, so they cannot compute in bfloat16."
            "remove `precision: bfloat16`."
    | OutputsNotThere(losses, what, file, outputs) ->
        let reads, those = if losses.Length = 1 then "reads", "the loss" else "read", "these losses"

        say
            "NO SUCH OUTPUT"
            $"{codes losses} {reads} {what}, but {code file} gives only {codes outputs}."
            $"export it again with more `taps`, or leave {those} out."
    | TeacherOfOtherImages(teacher, (own, ownClasses, ownSize), (here, classes, size)) ->
        say
            "TEACHER OF OTHER IMAGES"
            $"The teacher {code teacher} tells the {ownClasses} classes of {code own} apart, on {ownSize} images; {code here} has {classes} classes and {size} images."
            $"choose a teacher that was trained on {code here}, or train one: `{{ model: NETWORK, train: {{}} }}`."
    | CacheOfRandomImages still ->
        say
            "CACHE OF RANDOM IMAGES"
            "Training images are varied by chance, so that the teacher says something new of them in every epoch. `cache: true` cannot keep that."
            $"vary each image in a few ways and no more, `cache: {{ views: 8 }}`, or not at all: `augment: {{ {still} }}` in `dataset`."
    | CacheOfBatchStats ->
        say
            "CACHE OF BATCH STATISTICS"
            "With `batch_norm: batch_stats`, what the teacher says of an image depends on the whole batch. `cache` cannot keep that."
            "remove `cache` or `batch_norm`."
    | CacheOfMaps(losses, variants, served) ->
        let reads = if losses.Length = 1 then "reads" else "read"

        say
            "NOT IN THE CACHE"
            $"{codes losses} of {codes variants} {reads} whole feature maps of the teacher: too many numbers for `cache`, which keeps channel means, logits and embeddings."
            $"remove `cache`, or move these variants to an experiment without it. With `cache` go {codes served}, and losses without a teacher."
    | NameAndFolder ->
        say
            "TWO DATASETS"
            "`image_folder` and `classes` describe a folder of images, `name` a known dataset: it cannot be both."
            "remove one of the two."
    | UndeclaredLoss("edt", _, _, _) ->
        say "PRESET IN A LIST" "`edt` is a preset for the whole variant, and no loss of this list." "write `{ losses: [ce, cd], edt: cifar }`."
    | UndeclaredLoss(loss, variant, declared, near) ->
        let text = $"The variant {code variant} uses {code loss}, which is not declared in `losses`."

        let hint =
            if near.IsEmpty && not (isNull (LossCatalog.Find loss)) then
                $"declare it there: `{loss}: {{}}`. Declared are: {known declared}."
            else
                (maybe described near + $" Declared are: {known declared}.").Trim()

        say "UNDECLARED LOSS" text hint
    | LossesAsMapping list -> say "NOT A LIST" "The losses of a variant are a list, and this is a mapping (`key: value`)." $"write {code list}."
    | NoTeacher(loss, variant, others) ->
        let text = $"The loss {code loss} of {code variant} learns from a teacher, but this experiment has none (`teacher: none`)."

        let more =
            match others with
            | [] -> ""
            | [ one ] -> $" So does a loss of {code one}."
            | several -> $" So do losses of {codes several}."

        say "NO TEACHER" (text + more) "give the experiment a `teacher`, or keep to losses that need none, such as `ce`."
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
        say "FEATURES DO NOT PAIR" (System.String.Join(" ", text)) (System.String.Join("; ", remedies) + $"; or leave {those} out.")
    | StemNotThere(model, stem, legal) ->
        say
            "NO SUCH STEM"
            $"{code model} cannot be built with the stem {code stem}."
            $"it has {either legal}; without `stem`, the right one is chosen."
    | ExtendsNotFound(path, near) ->
        say
            "NO SUCH FILE"
            $"This experiment builds on {code path}, which does not exist. The path is relative to the folder of this file."
            (suggest near)
    | ExtendsScript path ->
        say
            "NOT YAML"
            $"`extends` names {code path}, an F# script. An experiment extends YAML files only: nothing runs a script but its name on the command line."
            $"write what the script stands for to a YAML file, and extend that."
    | ExtendsItself chain ->
        let chain = System.String.Join(" -> ", List.map code chain)
        say "ENDLESS EXTENDS" $"These files build on one another in a circle: {chain}." "remove one `extends`."
    | ExtendsTooLong limit -> say "LONG CHAIN" $"More than {limit} files build on one another." ""
    | ScriptFails output -> say "SCRIPT FAILS" ("This script ended with an error:\n" + System.String.Join("\n", output)) ""
    | ScriptSaysNothing -> say "NO EXPERIMENT" "This script ran, but gave no experiment." "end it with `|> emit`."
    | SetWithoutValue -> say "NO VALUE" "I need a path and a value: `--set train.epochs=2`." ""
    | SetTooLate path -> say "NOT A SETTING" $"{code path} can only be written in the file." ""
    | SetThroughValue(path, segment) ->
        say "NO SUCH PATH" $"{inside path} is no mapping, so there is no {code segment} in it." "set the whole of it instead."
    | _ -> None
