namespace ChannelDistillation.Dsl

/// The range of a number; open ends are infinite.
type Bounds = { Minimum: float; Maximum: float; AboveMinimum: bool; BelowMaximum: bool }

/// The kind of value found in a file.
type Kind =
    | NothingThere
    | PlainText of string
    | QuotedText of string
    | ListThere
    | MappingThere

/// The kind of value that was expected.
type Wanted =
    | WantText
    | WantNumber
    | WantWholeNumber
    | WantFlag
    | WantList
    /// A list, with the entries that a text in its place probably stands for.
    | WantEntries of entries: string list
    /// A mapping, with its first key if a single value in its place probably belongs to that key.
    | WantMapping of key: string option
    | WantMappingOr of word: string
    /// One of several words, or a mapping.
    | WantOneOf of string list

/// What a name refers to.
type Thing =
    | Loss
    | Model
    | Dataset
    | KnownTeacher
    | Choice of key: string

type SyntaxDiagnostic =
    | UnclosedQuote
    | UnclosedBracket of opening: string
    | UnexpectedClosing of closing: string
    | NoSpaceAfterColon
    | ColonInValue
    | BadIndent
    | MissingColon
    | DashAfterKey
    | AfterValue
    | ReservedCharacter of string
    | BadEscape
    | Unreadable

/// A part of a loss's schedule after the last epoch.
type UnreachedSchedulePart =
    | Start of loss: string * after: int
    /// A warm-up that ends in this epoch.
    | Growing of loss: string * until: int
    | Decaying of loss: string * epoch: int

/// What takes precedence over a `--set` setting.
type Override =
    /// An axis of the grid; in `product` or in `zip`.
    | ByAxis of name: string * section: string
    /// Variants whose list of losses has the setting.
    | ByVariants of variants: string list
    /// Variants whose preset `edt` has the setting.
    | ByPreset of variants: string list

/// Everything that can be wrong with an experiment, as data. The texts are in Messages/.
type Diagnostic =
    // The file as a whole
    | FileNotFound of near: string list
    | FileUnreadable of reason: string
    | FileEmpty
    | FileTooLarge of bytes: int64 * limit: int64
    | NotUtf8
    | ControlCharacter of code: int
    /// A control character written as an escape sequence.
    | EscapedControl of code: int
    // YAML
    | TabIndent
    | Syntax of SyntaxDiagnostic
    | TooDeep of limit: int
    | TooManyValues of limit: int64
    | SeveralDocuments
    /// A line that Git writes where versions conflict.
    | ConflictMarker
    | DuplicateKey of key: string * firstLine: int
    | UnknownAnchor of name: string * near: string list
    | AnchorInsideItself of name: string
    | MergeOfNoMapping
    | KeyNotText
    | TagUsed of tag: string
    // Values
    | WrongKind of wanted: Wanted * found: Kind
    | NotANumber of text: string * maybe: string option
    | NumberInQuotes of text: string
    | NotWhole of text: string
    | NotAFlag of text: string * maybe: string option
    | OutOfRange of key: string * text: string * Bounds
    | TooLarge of key: string * text: string * most: int64
    | NegativeWeight of loss: string * text: string
    | UnknownKey of key: string * inside: string list * legal: string list * near: string list * elsewhere: string list list
    | MissingKey of key: string * inside: string list * doc: string
    | UnknownName of Thing * name: string * legal: string list * near: string list
    | NotOneChoice of key: string * legal: string list * found: string list
    | EmptyList of key: string
    | EmptyEntry of list: string
    /// A list in place of a mapping from names to settings.
    | ListForMapping of section: string
    /// A mapping in place of a list of mappings.
    | MappingForList of key: string * written: string
    /// A warm-up without a schedule.
    | WarmupAlone of legal: string list * warmup: string
    | CaseWithoutSettings of case: string * keys: string list
    | SeedCount of count: int
    | Twice of key: string * value: string
    | NotIncreasing of before: string * after: string
    | NotSmallestAndLargest of key: string * example: string
    | NotPerChannel of key: string * channels: int * count: int
    | NotForImageFolders of key: string * dataset: string
    | ForImageFoldersOnly of key: string * dataset: string
    | NotKnownWith of dataset: string * normalization: string * legal: string list
    /// A text that does not match the required pattern.
    | InvalidFormat of key: string * text: string * examples: string list
    /// An sbatch option that is not allowed in `slurm.options`, and why.
    | ReservedOption of name: string * reason: string
    /// `4:30`, which Slurm reads as minutes and seconds: written as hours and minutes, and as minutes and seconds.
    | AmbiguousTime of text: string * hours: string * minutes: string
    /// Shell lines that `bash -n` rejects, with its message.
    | NotShell of key: string * reason: string
    /// A time limit of 0.
    | ZeroTimeLimit of text: string
    /// A time limit that leaves less than a minute before runs save their state, and the shortest one that suffices, in minutes.
    | TimeTooShort of text: string * saveSeconds: int * least: int
    /// A section's key around the content of a file that is itself this section.
    | SectionKeyInSectionFile of key: string
    // Experiment
    | BadName of key: string * name: string * character: string
    | ReservedName of name: string
    /// A name that Windows reserves for a device.
    | DeviceName of name: string
    | TeacherWithoutSource
    | TeacherWithTwoSources
    | KnownTeacherDescribed of key: string
    /// Dataset, class count and image size of a known teacher (`own`) and of the experiment (`here`).
    | TeacherDatasetMismatch of teacher: string * own: (string * int * string) * here: (string * int * string)
    /// The augmentation settings that turn random augmentation off.
    | CannotCacheAugmented of still: string
    | CannotCacheBatchStats
    /// Why a TorchScript file cannot be used, as complete sentences.
    | TorchScriptUnusable of reason: string
    | TorchScriptDescribed of key: string
    | BuiltInLossName of loss: string
    /// Image sizes of the network in a file (`own`) and of the dataset (`here`).
    | ImageSizeMismatch of file: string * own: string * dataset: string * here: string
    | ClassCountMismatch of file: string * own: int * dataset: string * here: int
    | TorchScriptInBFloat16 of files: string list
    /// An output that losses read but a network from Python does not have.
    | MissingOutputs of losses: string list * what: string * file: string * outputs: string list
    | CannotCacheFeatureMaps of losses: string list * variants: string list * served: string list
    | NameAndFolder
    | UndeclaredLoss of loss: string * variant: string * declared: string list * near: string list
    | LossesAsMapping of list: string
    | NoTeacher of loss: string * variant: string * others: string list
    /// Losses that cannot compare two networks, each with the reason and a remedy.
    | CannotPair of student: string * teacher: string * losses: (string * string * string) list
    | UnknownStem of model: string * stem: string * legal: string list
    // Extending another file
    | ExtendsNotFound of path: string * near: string list
    /// A script in `extends`: only YAML files are accepted, because reading a script executes it.
    | ExtendsScript of path: string
    | ExtendsItself of chain: string list
    | ExtendsTooLong of limit: int
    // F# scripts
    | ScriptFailed of output: string list
    | ScriptWithoutExperiment
    // --set
    | SetWithoutValue
    | NotSettable of path: string
    | SetBelowValue of path: string list * segment: string
    /// A setting that every run overrides.
    | SettingWithoutEffect of path: string * Override list
    /// A variant whose losses all have weight 0, and other such variants.
    | NothingTrained of variant: string * others: string list
    // Grid
    | UnknownPath of path: string * segment: string * after: string list * legal: string list * near: string list
    | NotAnAxis of path: string
    | AxisWithoutProduct of path: string * values: string
    | BadAxisName of name: string
    | LongAxisName of name: string * most: int
    /// A name of an axis that is a path of experiments or a column of tables.
    | ReservedAxisName of name: string
    | PathOverlap of path: string * other: string
    | NotDeclaredOnPath of path: string * loss: string
    | CaseNotUsed of path: string * case: string
    | PartNotSet of path: string * part: string
    | ZipLengths of path: string * length: int * other: string * otherLength: int
    | ExcludeUnknownAxis of path: string * axes: string list * near: string list
    | UnknownVariant of name: string * legal: string list * near: string list
    | RangeBackwards of from: string * upTo: string
    | RangeNotPositive of text: string
    | RangeTooDense of from: string * upTo: string * count: int
    | RangeTooFine of from: string * upTo: string * count: int
    /// Two points of `published` that match the same row, with the numbers here and at the other point, in another line.
    | ConflictingPublished of row: string * here: string * there: string * at: string * line: int
    /// Values that are written differently but set the same.
    | DuplicateAxisValue of path: string * value: string * earlier: string
    | GridTooLarge of points: float * limit: int
    | EverythingExcluded
    | ManyRuns of runs: int * limit: int
    // Warnings
    | UnusedLosses of losses: string list
    | UnusedAxis of path: string
    /// A setting that some runs override, or of which a part is overridden.
    | SettingPartlyOverridden of path: string * Override list
    /// An entry of `exclude` that names axes which none of its variants depends on.
    | ExcludesNoRun of paths: string list
    | BatchLargerThanDataset of batch: int * images: int
    | LargeLearningRate of rate: float
    /// A student from Python with one file for all seeds.
    | SameInitialWeights of file: string * seeds: int
    | ExcludeMatchesNothing of path: string * values: string list
    /// Values of the axis `dataset` replace the settings beside the dataset's name.
    | DatasetReplaced
    | ScheduleTooLong of variant: string * epochs: int * UnreachedSchedulePart list * others: string list
    /// A loss with weight 0.
    | ZeroWeight of loss: string * variant: string * others: string list
    /// A loss whose schedule keeps its weight at 0 in every epoch.
    | WeightAlwaysZero of loss: string * variant: string * epochs: int * others: string list
    | LearningRateStepAfterEnd of epoch: int * epochs: int
    | PublishedWithoutRow of name: string * legal: string list * near: string list
    /// A point of `published` that matches no row, and the number of further such points.
    | UnmatchedPoint of others: int

/// A diagnostic and its place.
type Problem =
    { Diagnostic: Diagnostic
      Place: Place option }

    /// Whether it is only shown and does not stop the command.
    member problem.IsWarning =
        match problem.Diagnostic with
        | UnusedLosses _
        | UnusedAxis _
        | SettingPartlyOverridden _
        | ExcludesNoRun _
        | BatchLargerThanDataset _
        | LargeLearningRate _
        | SameInitialWeights _
        | ExcludeMatchesNothing _
        | DatasetReplaced
        | ScheduleTooLong _
        | ZeroWeight _
        | WeightAlwaysZero _
        | LearningRateStepAfterEnd _
        | PublishedWithoutRow _
        | UnmatchedPoint _ -> true
        | _ -> false
