using System.Text;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>
/// `train` or `val` of an image folder, listed as torchvision's ImageFolder lists it: one folder per class, and in it and its sub-folders
/// all files with an image extension, sorted by folder and then by name (ordinal: upper case first).
/// </summary>
/// <param name="Folder">The folder of this part.</param>
/// <param name="Classes">Names of the class folders, in the order of the labels.</param>
/// <param name="Files">Relative to <paramref name="Folder"/>, with `/` between folders; class after class.</param>
/// <param name="Lengths">File sizes in bytes, of a link's target; -1 for a broken link.</param>
/// <param name="Starts">Position of each class's first file in <paramref name="Files"/>.</param>
/// <param name="Findings">Files that are skipped or converted.</param>
internal sealed record FolderPart(
    string Folder,
    IReadOnlyList<string> Classes,
    FileList Files,
    IReadOnlyList<long> Lengths,
    int[] Starts,
    Findings Findings
)
{
    /// <summary>Lists all files. Folders are read in parallel, because each takes a round trip on a file server.</summary>
    /// <param name="classes">In the order of the labels.</param>
    /// <exception cref="MissingException">A folder cannot be read, or a class has no image.</exception>
    public static FolderPart List(string folder, IReadOnlyList<string> classes)
    {
        var lists = new ClassImages[classes.Count];
        ParallelLoop.For(classes.Count, label => lists[label] = ImageFiles.List(folder, classes[label]));
        int[] empty = [.. Enumerable.Range(0, classes.Count).Where(label => lists[label].Names.Count == 0)];
        if (empty.Length > 0)
        {
            Findings there = lists[empty[0]].Findings;
            string what = there.IsEmpty ? "it is empty" : $"it has {there.Kinds(Effect.Unused)}";
            string others = empty.Length == 1 ? "" : $" The same is true of {empty.Length - 1} more.";
            throw new MissingException(
                $"The class folder {Path.Combine(folder, classes[empty[0]])} has no images: {what}.{others} Image files end in "
                    + $"{ImageFiles.InWords}."
            );
        }

        var starts = new int[classes.Count];
        var findings = new Findings();
        ImageFiles.Classes(folder, findings);
        for (var label = 0; label < starts.Length; label++)
        {
            starts[label] = label == 0 ? 0 : starts[label - 1] + lists[label - 1].Names.Count;
            findings.Add(lists[label].Findings);
        }

        return new(
            folder,
            classes,
            new FileList([.. lists.SelectMany(list => list.Names)]),
            [.. lists.SelectMany(list => list.Lengths)],
            starts,
            findings
        );
    }

    public int Label(int index)
    {
        var found = Array.BinarySearch(Starts, index);
        return found >= 0 ? found : ~found - 1;
    }
}

/// <summary>File names by index, in two arrays: as strings, ImageNet's 1.3 million would take 100 MB and slow down the garbage collector.</summary>
internal sealed class FileList
{
    private readonly byte[] text;
    private readonly int[] ends;

    public FileList(IReadOnlyList<string> names)
    {
        ends = new int[names.Count];
        text = new byte[names.Sum(Encoding.UTF8.GetByteCount)];
        var end = 0;
        for (var i = 0; i < names.Count; i++)
        {
            end += Encoding.UTF8.GetBytes(names[i], text.AsSpan(end));
            ends[i] = end;
        }
    }

    public int Count => ends.Length;

    public string this[int index] => Encoding.UTF8.GetString(Bytes(index));

    /// <summary>The name in UTF-8.</summary>
    public ReadOnlySpan<byte> Bytes(int index) => text.AsSpan((index == 0 ? 0 : ends[index - 1])..ends[index]);
}
