using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.TorchScript;

namespace ChannelDistillation.Losses;

/// <summary>All losses that an experiment can name. To add one, add its file and a line here.</summary>
public static class LossCatalog
{
    public static IReadOnlyList<LossDescriptor> All { get; } =
    [
        CrossEntropyLoss.Descriptor,
        KnowledgeDistillationLoss.Descriptor,
        GuidedKnowledgeDistillationLoss.Descriptor,
        ChannelDistillationLoss.Descriptor,
        FitNetsLoss.Descriptor,
        AttentionTransferLoss.Descriptor,
        SimilarityPreservingLoss.Descriptor,
        CorrelationCongruenceLoss.Descriptor,
        VariationalInformationLoss.Descriptor,
        RelationalLoss.Descriptor,
        ProbabilisticTransferLoss.Descriptor,
        NeuronSelectivityLoss.Descriptor,
        ContrastiveLoss.Descriptor,
        DecoupledLoss.Descriptor,
        StrongerTeacherLoss.Descriptor,
        NormalizedLoss.Descriptor,
        TransformedTeacherLoss.Descriptor,
        TransformedTeacherLoss.WeightedDescriptor,
        RefinedLogitLoss.Descriptor,
        StreamlinedLoss.Descriptor,
        MultiLevelLoss.Descriptor,
        WassersteinLoss.Descriptor,
        ScaleDecoupledLoss.Descriptor,
        ScaleDecoupledLoss.DecoupledDescriptor,
        ScaleDecoupledLoss.NormalizedDescriptor,
        ReviewLoss.Descriptor,
        ResidualLoss.Descriptor,
    ];

    private static readonly Dictionary<string, LossDescriptor> ByName = All.ToDictionary(loss => loss.Name);

    public static LossDescriptor? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The network that is trained with a run's losses: the student, with an assistant if a loss adds one.</summary>
    public static ModelSpec Network(RunSpec run) => Network(run.Student, run.Losses.Where(loss => loss.Script is null).Select(loss => loss.Name));

    /// <summary>The descriptor of a run's loss, from the catalog or from its archive's description.</summary>
    /// <exception cref="InvalidDataException">The archive cannot be used.</exception>
    public static LossDescriptor Describe(LossSpec loss) =>
        loss.Script is null ? Get(loss.Name) : ScriptedLoss.Describe(loss.Name, TorchScript.Archive.Read(loss.Script.Path, loss.Script.Name));

    /// <summary>The same, by the names of the losses.</summary>
    public static ModelSpec Network(ModelSpec student, IEnumerable<string> losses) =>
        losses.Any(loss => Find(loss)?.AddsAssistant == true) ? student with { Name = student.Name + AssistedNetwork.Suffix } : student;

    /// <exception cref="KeyNotFoundException">The name is unknown. Experiments are validated before this call.</exception>
    public static LossDescriptor Get(string name) => ByName[name];
}
