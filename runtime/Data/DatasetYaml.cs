using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>One entry of data/datasets.yaml.</summary>
internal sealed class DatasetYaml
{
    public required string Name { get; set; }

    public required string Doc { get; set; }

    public required string License { get; set; }

    public required string Homepage { get; set; }

    public required DatasetFormat Format { get; set; }

    public required int Classes { get; set; }

    public string[] ClassNames { get; set; } = [];

    public required CountsYaml Images { get; set; }

    public required ShapeYaml Image { get; set; }

    public required double[] Mean { get; set; }

    public required double[] Std { get; set; }

    public Dictionary<string, NormalizationYaml> Normalizations { get; set; } = [];

    public required AugmentationYaml Augmentation { get; set; }

    public EvaluationYaml? Evaluation { get; set; }

    public string? AlsoAt { get; set; }

    public FileYaml[] Files { get; set; } = [];

    public DatasetDescriptor ToDescriptor() =>
        new()
        {
            Name = Name,
            Doc = Doc,
            License = License,
            Homepage = Homepage,
            Format = Format,
            Image = new ImageShape(Image.Channels, Image.Height, Image.Width),
            Classes = Classes,
            ClassNames = ClassNames,
            TrainingImages = Images.Training,
            ValidationImages = Images.Validation,
            Normalization = new NormalizationSpec(Mean, Std),
            Normalizations = Normalizations.ToDictionary(entry => entry.Key, entry => new NormalizationSpec(entry.Value.Mean, entry.Value.Std)),
            Augmentation = Augmentation.ToSpec(),
            EvaluationResize = Evaluation?.Resize ?? 0,
            AlsoAt = AlsoAt,
            Files = [.. Files.Select(file => new DatasetFile(file.Name, file.Url is null ? null : new Uri(file.Url), file.Bytes, file.Sha256))],
        };

    internal sealed class CountsYaml
    {
        public required int Training { get; set; }

        public required int Validation { get; set; }
    }

    internal sealed class NormalizationYaml
    {
        public required double[] Mean { get; set; }

        public required double[] Std { get; set; }
    }

    internal sealed class ShapeYaml
    {
        public required int Channels { get; set; }

        public required int Height { get; set; }

        public required int Width { get; set; }
    }

    internal sealed class AugmentationYaml
    {
        public required int Padding { get; set; }

        public PaddingMode PaddingMode { get; set; }

        public required bool Flip { get; set; }

        public ResizedCropYaml? ResizedCrop { get; set; }

        public AugmentationSpec ToSpec() =>
            new(Padding, PaddingMode, Flip)
            {
                ResizedCrop = ResizedCrop is null
                    ? null
                    : new(ResizedCrop.Area[0], ResizedCrop.Area[1], ResizedCrop.Aspect[0], ResizedCrop.Aspect[1]),
            };
    }

    internal sealed class ResizedCropYaml
    {
        public required double[] Area { get; set; }

        public required double[] Aspect { get; set; }
    }

    internal sealed class EvaluationYaml
    {
        public required int Resize { get; set; }
    }

    internal sealed class FileYaml
    {
        public required string Name { get; set; }

        public string? Url { get; set; }

        public long Bytes { get; set; }

        public string? Sha256 { get; set; }
    }
}
