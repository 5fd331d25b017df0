using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

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
        Taps ofEach = taps.HasHead ? taps.OfStages() | Taps.Stage(last) : taps;
        ModelOutput student = main.Run(images, ofEach);
        ModelOutput residual = assistant.Run(images, ofEach);
        // Some heads have layers before the embedding: the student's are applied to the sum.
        var (logits, embedding, logitMap) = taps.HasHead ? main.Head(student.Features[last].Plus(residual.Features[last]), taps) : default;
        return new(
            logits,
            Sums(taps.HasStage, stage => student.Features[stage].Plus(residual.Features[stage])),
            embedding,
            Sums(taps.HasPreActivation, stage => student.PreActivations[stage].Plus(residual.PreActivations[stage])),
            Sums(taps.HasStageMeans, stage => student.ChannelMeans[stage].Plus(residual.ChannelMeans[stage])),
            logitMap
        )
        {
            Parts = (student, residual),
        };
    }

    protected internal override IReadOnlyList<Stage> Stages => main.Stages;

    protected internal override Tensor Begin(Tensor images) => main.Begin(images);

    protected internal override Tensor BeforePooling(Tensor last) => main.BeforePooling(last);

    protected internal override Linear Classifier => main.Classifier;

    private Tensor?[] Sums(Func<int, bool> isAskedFor, Func<int, Tensor> sum) =>
        [.. Enumerable.Range(0, Stages.Count).Select(stage => isAskedFor(stage) ? sum(stage) : null)];
}
