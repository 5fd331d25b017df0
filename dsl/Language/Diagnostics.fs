namespace ChannelDistillation.Dsl

/// What a value may be; open ends are infinite.
type Bounds = { Minimum: float; Maximum: float; AboveMinimum: bool; BelowMaximum: bool }

/// What stands in the file at some place.
type Kind =
    | NothingThere
    | PlainText of string
    | QuotedText of string
    | ListThere
    | MappingThere

/// What should stand there.
type Wanted =
    | WantText
    | WantNumber
    | WantWholeNumber
    | WantFlag
    | WantList
    /// A list, with the entries that a text in its place was probably meant to be.
    | WantEntries of entries: string list
    /// With its first key, if that is a word.
    | WantMapping of key: string option
    | WantMappingOr of word: string
    /// One of a few words, or a mapping.
    | WantOneOf of string list

/// What a name is a name of.
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

/// A part of a loss's schedule that lies beyond the last epoch.
type Beyond =
    | Start of loss: string * after: int
    | Decaying of loss: string * epoch: int

/// Everything that can be wrong with an experiment. Data only: the words are in Render.fs.
type Diagnostic =
    // The file as a whole
    | FileNotFound of near: string list
    | FileUnreadable of reason: string
    | FileEmpty
    | FileTooLarge of bytes: int64 * limit: int64
    | NotUtf8
    | ControlCharacter of code: int
    /// The same, written as an escape sequence.
    | EscapedControl of code: int
    // YAML
    | TabIndent
    | Syntax of SyntaxDiagnostic
    | TooDeep of limit: int
    | TooManyValues of limit: int64
    | SeveralDocuments
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
    /// A list where names have settings of their own.
    | ListForNames of section: string
    /// A mapping where a list of such mappings is wanted.
    | OneForList of key: string * written: string
    /// A warm-up, and nothing that it leads to.
    | WarmupAlone of legal: string list * warmup: string
    | CaseWithoutSettings of case: string * keys: string list
    | SeedCount of count: int
    | Twice of key: string * value: string
    | NotIncreasing of before: string * after: string
    | NotSmallestAndLargest of key: string * example: string
    | NotPerChannel of key: string * channels: int * count: int
    | NotForPhotographs of key: string * dataset: string
    | ForPhotographsOnly of key: string * dataset: string
    | NotKnownWith of dataset: string * normalization: string * legal: string list
    /// A text that is not written as it must be.
    | NotWrittenLike of key: string * text: string * examples: string list
    /// An option of sbatch that is not for `slurm.options`, and why.
    | OptionTaken of name: string * reason: string
    /// `4:30`, which is minutes and seconds to Slurm: as it would be written if it were hours and minutes, and as what it is.
    | TimeOfTwoParts of text: string * hours: string * minutes: string
    /// Lines of shell that `bash -n` refuses, with its own words.
    | NotShell of key: string * reason: string
    /// A time limit of nothing.
    | TimeOfNothing of text: string
    /// A time limit that leaves no minute before the runs save their state; and the shortest one that does, in minutes.
    | TimeTooShort of text: string * saveSeconds: int * least: int
    /// A section's own key around everything in a file that is this section.
    | KeyAroundFile of key: string
    // Experiment
    | BadName of key: string * name: string * character: string
    | ReservedName of name: string
    /// A name that no folder can have on Windows.
    | DeviceName of name: string
    | TeacherWithoutSource
    | TeacherWithTwoSources
    | KnownTeacherDescribed of key: string
    /// Of a known teacher and of the experiment: the dataset, its classes, and the size of its images.
    | TeacherOfOtherImages of teacher: string * own: (string * int * string) * here: (string * int * string)
    /// What the dataset's augmentation must be for images that are not varied by chance.
    | CacheOfRandomImages of still: string
    | CacheOfBatchStats
    /// Why a TorchScript file cannot be used, in whole sentences.
    | TorchScriptUnusable of reason: string
    | TorchScriptDescribed of key: string
    | BuiltInLossName of loss: string
    /// Sizes of images: those that the file's network takes, and those of the dataset.
    | NetworkOfOtherImages of file: string * own: string * dataset: string * here: string
    | NetworkOfOtherClasses of file: string * own: int * dataset: string * here: int
    | TorchScriptInBFloat16 of files: string list
    /// What losses read of a network from Python that its file does not give.
    | OutputsNotThere of losses: string list * what: string * file: string * outputs: string list
    | CacheOfMaps of losses: string list * variants: string list * served: string list
    | NameAndFolder
    | UndeclaredLoss of loss: string * variant: string * declared: string list * near: string list
    | LossesAsMapping of list: string
    | NoTeacher of loss: string * variant: string * others: string list
    /// Losses that cannot compare two networks, each with the reason and a remedy.
    | CannotPair of student: string * teacher: string * losses: (string * string * string) list
    | StemNotThere of model: string * stem: string * legal: string list
    // Building on another file
    | ExtendsNotFound of path: string * near: string list
    /// Only YAML is built on: a script would be run.
    | ExtendsScript of path: string
    | ExtendsItself of chain: string list
    | ExtendsTooLong of limit: int
    // F# scripts
    | ScriptFails of output: string list
    | ScriptSaysNothing
    // --set
    | SetWithoutValue
    | SetTooLate of path: string
    | SetThroughValue of path: string list * segment: string
    // Grid
    | UnknownPath of path: string * segment: string * after: string list * legal: string list * near: string list
    | NotAnAxis of path: string
    | AxisWithoutProduct of path: string * values: string
    | PathOverlap of path: string * other: string
    | NotDeclaredOnPath of path: string * loss: string
    | CaseNotThere of path: string * case: string
    | PartNotThere of path: string * part: string
    | ZipLengths of path: string * length: int * other: string * otherLength: int
    | ExcludeUnknownAxis of path: string * axes: string list * near: string list
    | UnknownVariant of name: string * legal: string list * near: string list
    | RangeBackwards of from: string * upTo: string
    | RangeNotPositive of text: string
    | RangeTooDense of from: string * upTo: string * count: int
    | RangeTooFine of from: string * upTo: string * count: int
    /// Two points of `published` that hold for one row, with the numbers here and at the other, which is in another line.
    | PublishedTwice of row: string * here: string * there: string * at: string * line: int
    /// Values that are written differently, but set the same.
    | SameValue of path: string * value: string * earlier: string
    | GridTooLarge of points: float * limit: int
    | EverythingExcluded
    | ManyRuns of runs: int * limit: int
    // Harmless, but worth a word
    | UnusedLoss of loss: string
    | UnusedAxis of path: string
    /// A student from Python with one file for several seeds.
    | SameInitialWeights of file: string * seeds: int
    | ExcludeMatchesNothing of path: string * values: string list
    /// Values of the axis `dataset` take away what the file says beside its name.
    | DatasetReplaced
    | NeverHappens of variant: string * epochs: int * Beyond list * others: string list
    /// A loss that has a weight, but none in any epoch.
    | NeverActs of loss: string * variant: string * epochs: int * others: string list
    | RateNeverChanges of epoch: int * epochs: int
    | PublishedWithoutRow of name: string * legal: string list * near: string list
    /// A point of `published` that no row is at, and how many others there are.
    | PublishedNowhere of others: int

/// A mistake and where it is.
type Problem =
    { Diagnostic: Diagnostic
      Place: Place option }

    /// Shown, but nothing stops for it.
    member problem.IsWarning =
        match problem.Diagnostic with
        | UnusedLoss _
        | UnusedAxis _
        | SameInitialWeights _
        | ExcludeMatchesNothing _
        | DatasetReplaced
        | NeverHappens _
        | NeverActs _
        | RateNeverChanges _
        | PublishedWithoutRow _
        | PublishedNowhere _ -> true
        | _ -> false
