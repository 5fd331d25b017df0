using ChannelDistillation.Core;

namespace ChannelDistillation.Data.Idx;

/// <summary>Datasets of the MNIST family: four gzip files of grey images and labels.</summary>
internal static class IdxDataset
{
    /// <exception cref="DamagedFileException">A file has unexpected content.</exception>
    public static Dataset Open(DatasetDescriptor descriptor, string folder) =>
        new(descriptor, Open(descriptor, folder, "train", descriptor.TrainingImages), Open(descriptor, folder, "t10k", descriptor.ValidationImages));

    public static string Images(string folder, string part) => Path.Combine(folder, $"{part}-images-idx3-ubyte.gz");

    public static string Labels(string folder, string part) => Path.Combine(folder, $"{part}-labels-idx1-ubyte.gz");

    private static ByteImageSet Open(DatasetDescriptor descriptor, string folder, string part, int count)
    {
        var images = IdxFile.Read(
            Images(folder, part),
            rank: 3,
            size =>
                size[0] != count ? $"it contains {size[0]} images instead of {count}"
                : size[1] > descriptor.Image.Height || size[2] > descriptor.Image.Width
                    ? $"its images are {size[1]}x{size[2]}, larger than the {descriptor.Image.Height}x{descriptor.Image.Width} of {descriptor.Name}"
                : null
        );
        var labels = IdxFile.Read(
            Labels(folder, part),
            rank: 1,
            size => size[0] != count ? $"it contains {size[0]} labels instead of {count}" : null
        );
        var highest = labels.Values.Max();
        if (highest >= descriptor.Classes)
        {
            throw new DamagedFileException(
                Labels(folder, part),
                $"it contains the label {highest}, but {descriptor.Name} has the labels 0 to {descriptor.Classes - 1}"
            );
        }

        return new ByteImageSet(descriptor.Image, Frame(images, descriptor.Image), labels.Values, descriptor.Normalization);
    }

    /// <summary>Centres each image in a black one of the models' input size.</summary>
    private static byte[] Frame(IdxFile images, ImageShape shape)
    {
        var (count, height, width) = (images.Dimensions[0], images.Dimensions[1], images.Dimensions[2]);
        var (top, left) = ((shape.Height - height) / 2, (shape.Width - width) / 2);
        var framed = new byte[count * shape.Height * shape.Width];
        for (var row = 0; row < count * height; row++)
        {
            var (image, y) = Math.DivRem(row, height);
            images.Values.AsSpan(row * width, width).CopyTo(framed.AsSpan((image * shape.Height + top + y) * shape.Width + left));
        }

        return framed;
    }
}

/// <summary>Creates the embedded subset of Fashion-MNIST from the full set: the first images of each class, in order.</summary>
public static class FashionMnistMini
{
    private const int Classes = 10;

    /// <summary>Writes 1,000 training and 200 validation images of each class.</summary>
    /// <param name="full">Folder with the four files of Fashion-MNIST.</param>
    /// <param name="target">Folder for the four files of the subset; created if needed.</param>
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
