using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Two networks of one architecture whose features are added: a student, and an assistant that learns the residual of the student's features
/// (Gao et al.: Residual Knowledge Distillation, arXiv 2002.09168). Everything after the last stage is the student's, and
/// computes the logits from the sum. State names begin with `main.` and `assistant.`; the assistant's head exists but is not used.
/// </summary>
public sealed class AssistedNetwork : Backbone
{
    /// <summary>Suffix of the architecture's name: `resnet18-assisted`.</summary>
    public const string Suffix = "-assisted";

    /// <summary>Prefix of the names of the assistant's state.</summary>
    public const string AssistantPrefix = "assistant.";

    private readonly Backbone main;
    private readonly Backbone assistant;

    private AssistedNetwork(string name, Backbone main, Backbone assistant)
        : base(name)
    {
        (this.main, this.assistant) = (main, assistant);
        RegisterComponents();
    }

    /// <summary>The student.</summary>
    internal Backbone Main => main;

    /// <summary>The network that learns the student's residual.</summary>
    internal Backbone Assistant => assistant;

    /// <summary>Two networks of a model.</summary>
    public static ModelDescriptor Describe(ModelDescriptor model)
    {
        string name = model.Name + Suffix;
        return model with
        {
            Name = name,
            Doc = $"Two {model.Name} whose features are added: student and assistant",
            Create = options => new AssistedNetwork(name, (Backbone)model.Create(options), (Backbone)model.Create(options)),
        };
    }

    public override ModelOutput Run(Tensor images, Taps taps)
    {
        int last = Stages.Count - 1;
        bool isEmbedded = taps.HasLogits || taps.HasEmbedding;
        Taps ofEach = isEmbedded ? taps.OfStages() | Taps.Stage(last) : taps;
        ModelOutput student = main.Run(images, ofEach);
        ModelOutput residual = assistant.Run(images, ofEach);
        // Some heads have layers before the embedding: the student's are applied to the sum.
        Tensor? embedding = isEmbedded ? main.Embed(student.Features[last].Plus(residual.Features[last])) : null;
        return new(
            taps.HasLogits ? InFloat32(main.Classify(embedding!)) : null,
            Sums(taps.HasStage, stage => student.Features[stage].Plus(residual.Features[stage])),
            taps.HasEmbedding ? embedding : null,
            Sums(taps.HasPreActivation, stage => student.PreActivations[stage].Plus(residual.PreActivations[stage])),
            Sums(taps.HasStageMeans, stage => student.ChannelMeans[stage].Plus(residual.ChannelMeans[stage]))
        )
        {
            Parts = (student, residual),
        };
    }

    protected internal override IReadOnlyList<Stage> Stages => main.Stages;

    protected internal override Tensor Begin(Tensor images) => main.Begin(images);

    protected internal override Tensor Embed(Tensor last) => main.Embed(last);

    protected internal override Tensor Classify(Tensor embedding) => main.Classify(embedding);

    private Tensor?[] Sums(Func<int, bool> isAskedFor, Func<int, Tensor> sum) =>
        [.. Enumerable.Range(0, Stages.Count).Select(stage => isAskedFor(stage) ? sum(stage) : null)];
}
