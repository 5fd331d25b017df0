using System.Runtime.CompilerServices;

namespace ChannelDistillation.Losses;

/// <summary>The images of a training set in the order of their classes: those of all classes but one are two pieces of it.</summary>
internal sealed class ImagesByClass
{
    private static readonly ConditionalWeakTable<IReadOnlyList<int>, ImagesByClass> Known = [];

    private readonly int[] images;

    // Where the images of each class begin; one more at the end.
    private readonly int[] starts;

    private ImagesByClass(IReadOnlyList<int> labels, int classes)
    {
        Labels = labels;
        starts = new int[classes + 1];
        foreach (int label in labels)
            starts[label + 1]++;
        for (int label = 0; label < classes; label++)
            starts[label + 1] += starts[label];
        images = new int[labels.Count];
        int[] next = [.. starts];
        for (int image = 0; image < labels.Count; image++)
            images[next[labels[image]]++] = image;
    }

    /// <summary>Made once for a list of labels, whoever asks: the lanes of a cohort have the same list.</summary>
    /// <param name="labels">Class of each training image. Not to be changed afterwards.</param>
    public static ImagesByClass Of(IReadOnlyList<int> labels, int classes) =>
        Known.GetValue(labels, list => new(list, classes)) is var known && known.starts.Length == classes + 1 ? known : new(labels, classes);

    /// <summary>Class of each training image.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>How many images are not of a class.</summary>
    public int Outside(int label) => images.Length - (starts[label + 1] - starts[label]);

    /// <summary>One of the images that are not of a class.</summary>
    /// <param name="place">From 0 to <see cref="Outside"/> - 1.</param>
    public int Outside(int label, int place) => images[place < starts[label] ? place : place + starts[label + 1] - starts[label]];
}
