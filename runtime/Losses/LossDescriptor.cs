using System.Runtime.CompilerServices;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>Properties of a loss, and how to create it. YAML keys, validation, schema and documentation are derived from it.</summary>
public sealed record LossDescriptor
{
    public LossDescriptor([CallerFilePath] string declaredIn = "") => DeclaredIn = declaredIn;

    /// <summary>Its source file, as the compiler was given it.</summary>
    public string DeclaredIn { get; }

    /// <summary>The losses whose code it uses.</summary>
    public IReadOnlyList<LossDescriptor> BuildsOn { get; init; } = [];

    /// <summary>The key in experiments.</summary>
    public required string Name { get; init; }

    /// <summary>The method's full name.</summary>
    public required string Title { get; init; }

    /// <summary>The paper, and the code that values follow.</summary>
    public required string Source { get; init; }

    /// <summary>In plain text, one line.</summary>
    public required string Formula { get; init; }

    public double DefaultWeight { get; init; } = 1;

    /// <summary>Epochs of warm-up of its weight if an experiment sets none.</summary>
    public int DefaultWarmup { get; init; }

    public IReadOnlyList<ParameterDescriptor> Parameters { get; init; } = [];

    /// <summary>Defaults that differ on some datasets, as in the authors' code.</summary>
    public IReadOnlyList<DatasetDefaults> DatasetDefaults { get; init; } = [];

    /// <summary>What it reads of the teacher; <see cref="TeacherSignal.None"/> if it needs no teacher.</summary>
    public TeacherSignal Needs { get; init; } = TeacherSignal.None;

    /// <summary>What it reads of the student, if this differs from <see cref="Needs"/>.</summary>
    public TeacherSignal? ReadsOfStudent { get; init; }

    /// <summary>What it reads of the student.</summary>
    public TeacherSignal OfStudent => ReadsOfStudent ?? Needs;

    /// <summary>Returns why features cannot be paired, or null.</summary>
    public Func<FeaturePair, Parameters, Mismatch?> WhyNotPaired { get; init; } = (_, _) => null;

    /// <summary>Whether the student gets an assistant (<see cref="AssistedNetwork"/>).</summary>
    public bool AddsAssistant { get; init; }

    /// <summary>Parameters that <see cref="WhyNotPaired"/> depends on.</summary>
    public IReadOnlyList<string> PairingParameters { get; init; } = [];

    public required Func<LossContext, Loss> Create { get; init; }

    /// <summary>The same loss with its defaults for a dataset.</summary>
    public LossDescriptor On(string dataset) =>
        DatasetDefaults.FirstOrDefault(defaults => defaults.Dataset == dataset) is DatasetDefaults own
            ? this with
            {
                DefaultWeight = own.Weight ?? DefaultWeight,
                DefaultWarmup = own.Warmup ?? DefaultWarmup,
                Parameters =
                [
                    .. Parameters.Select(parameter =>
                        own.Parameters.TryGetValue(parameter.Name, out object? value) ? parameter.WithDefault(value) : parameter
                    ),
                ],
            }
            : this;

    public bool NeedsTeacher => Needs != TeacherSignal.None;

    public Parameters DefaultParameters => new(Parameters.Select(parameter => KeyValuePair.Create(parameter.Name, parameter.DefaultValue)));
}

/// <summary>Defaults of a loss that differ on one dataset.</summary>
/// <param name="Dataset">Its name.</param>
/// <param name="Warmup">Null: as on other datasets.</param>
/// <param name="Weight">Null: as on other datasets.</param>
public sealed record DatasetDefaults(string Dataset, int? Warmup = null, double? Weight = null)
{
    /// <summary>By parameter name.</summary>
    public IReadOnlyDictionary<string, object> Parameters { get; init; } = new Dictionary<string, object>();
}

/// <summary>Parts of a teacher's output; a cohort computes the union of what its active losses need.</summary>
[Flags]
public enum TeacherSignal
{
    None = 0,
    Logits = 1,

    /// <summary>Stage outputs, or anything computed from them except channel means.</summary>
    Features = 2,

    /// <summary>The pooled last stage.</summary>
    Embedding = 4,

    /// <summary>Stage outputs before their last ReLU.</summary>
    PreActivations = 8,

    /// <summary>Channel means: global averages of the stage outputs' channels.</summary>
    ChannelMeans = 16,

    /// <summary>The logits of each position of the last map.</summary>
    LogitMap = 32,

    /// <summary>Whole maps, which are too large to be cached for every image.</summary>
    WholeMaps = Features | PreActivations | LogitMap,
}

/// <summary>Stage outputs of student and teacher, first stage first.</summary>
public sealed record FeaturePair(IReadOnlyList<FeatureShape> Student, IReadOnlyList<FeatureShape> Teacher)
{
    /// <summary>Channels of the student's embedding; by default those of its last stage.</summary>
    public int StudentEmbedding { get; init; } = Student.Count == 0 ? 0 : Student[^1].Channels;

    /// <summary>Channels of the teacher's embedding; by default those of its last stage.</summary>
    public int TeacherEmbedding { get; init; } = Teacher.Count == 0 ? 0 : Teacher[^1].Channels;

    /// <summary>Whether the student's classifier is known as one linear layer; that of a network from Python is not.</summary>
    public bool HasStudentClassifier { get; init; } = true;

    /// <summary>Whether the teacher's classifier is known as one linear layer.</summary>
    public bool HasTeacherClassifier { get; init; } = true;

    /// <summary>The features of two models for images of a given size.</summary>
    /// <param name="teacher">Null without a teacher.</param>
    public static FeaturePair Of(ModelSpec student, ModelSpec? teacher, ImageShape image)
    {
        ModelDescriptor learner = ModelCatalog.Describe(student);
        if (teacher is null)
            return new(learner.Features(student, image), []) { StudentEmbedding = learner.EmbeddingChannels };
        ModelDescriptor master = ModelCatalog.Describe(teacher);
        return new(learner.Features(student, image), master.Features(teacher, image))
        {
            StudentEmbedding = learner.EmbeddingChannels,
            TeacherEmbedding = master.EmbeddingChannels,
            HasStudentClassifier = student.Script is null,
            HasTeacherClassifier = teacher.Script is null,
        };
    }
}

/// <summary>Arguments for creating a loss.</summary>
/// <param name="Features">The teacher's side is empty without a teacher.</param>
/// <param name="TrainingLabels">Class of each training image, for methods with per-image state.</param>
/// <param name="Seed">The run's seed, for methods that draw random numbers.</param>
public sealed record LossContext(Parameters Parameters, FeaturePair Features, int Classes, IReadOnlyList<int> TrainingLabels, long Seed)
{
    /// <summary>Epochs of the run, for methods with their own schedule.</summary>
    public int Epochs { get; init; }

    /// <summary>Computes the teacher's similarities between classes, [classes, classes]; by default no class is similar to another.</summary>
    public Func<ClassSimilarity, Tensor> ClassSimilarities { get; init; } = _ => eye(Classes);
}

/// <summary>
/// A parameter of a loss: its name in experiments, type, default, range and a one-sentence description. Validation, suggestions,
/// the JSON schema and the documentation are derived from this.
/// </summary>
public abstract record ParameterDescriptor(string Name, string Doc)
{
    public abstract object DefaultValue { get; }

    /// <summary>The same parameter with another default.</summary>
    public abstract ParameterDescriptor WithDefault(object value);

    /// <param name="Minimum">Smallest allowed value; excluded if <paramref name="AboveMinimum"/>.</param>
    public sealed record Number(
        string Name,
        double Default,
        string Doc,
        double Minimum = double.NegativeInfinity,
        double Maximum = double.PositiveInfinity,
        bool AboveMinimum = false
    ) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (double)value };

        public bool Allows(double value) => double.IsFinite(value) && value <= Maximum && (AboveMinimum ? value > Minimum : value >= Minimum);
    }

    /// <summary>An integer; stored as a double like every number.</summary>
    public sealed record Integer(string Name, int Default, string Doc, int Minimum = int.MinValue, int Maximum = int.MaxValue)
        : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => (double)Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (int)(double)value };

        public bool Allows(int value) => value >= Minimum && value <= Maximum;
    }

    public sealed record Flag(string Name, bool Default, string Doc) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (bool)value };
    }

    /// <summary>One of a few strings.</summary>
    public sealed record Choice(string Name, string Default, IReadOnlyList<string> Choices, string Doc) : ParameterDescriptor(Name, Doc)
    {
        public override object DefaultValue => Default;

        public override ParameterDescriptor WithDefault(object value) => this with { Default = (string)value };
    }
}
