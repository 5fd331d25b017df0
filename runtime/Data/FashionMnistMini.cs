namespace ChannelDistillation.Data;

/// <summary>Makes the embedded subset of Fashion-MNIST out of the full set: of each class the first images, in their order.</summary>
public static class FashionMnistMini
{
    private const int Classes = 10;

    /// <summary>Writes 1,000 training and 200 validation images of each class.</summary>
    /// <param name="full">The folder with the four files of Fashion-MNIST.</param>
    /// <param name="target">Where the four files of the subset go; made if needed.</param>
    public static void Make(string full, string target)
    {
        Directory.CreateDirectory(target);
        Take(full, target, "train", 1000);
        Take(full, target, "t10k", 200);
    }

    private static void Take(string full, string target, string part, int perClass)
    {
        var images = IdxFile.Read(IdxDataset.Images(full, part), rank: 3);
        var labels = IdxFile.Read(IdxDataset.Labels(full, part), rank: 1);
        var size = images.Dimensions[1] * images.Dimensions[2];
        var (takenImages, takenLabels) = (new MemoryStream(), new MemoryStream());
        var taken = new int[Classes];
        for (var i = 0; i < labels.Values.Length; i++)
        {
            if (taken[labels.Values[i]]++ < perClass)
            {
                takenImages.Write(images.Values, i * size, size);
                takenLabels.WriteByte(labels.Values[i]);
            }
        }

        var count = perClass * Classes;
        new IdxFile([count, .. images.Dimensions[1..]], takenImages.ToArray()).Write(IdxDataset.Images(target, part));
        new IdxFile([count], takenLabels.ToArray()).Write(IdxDataset.Labels(target, part));
    }
}
