namespace ChannelDistillation.Data.Photographs;

/// <summary>
/// `train` or `val` of a folder of photographs, listed as torchvision's ImageFolder lists it: one folder per class, in it and in the folders
/// below all files with the ending of a picture, sorted by folder and then by name (ordinal: capitals first).
/// </summary>
/// <param name="Folder">Of this part.</param>
/// <param name="Classes">Names of the class folders, in the order of the labels.</param>
/// <param name="Files">Relative to <paramref name="Folder"/>, with `/` between folders; class after class.</param>
/// <param name="Starts">Where each class begins in <paramref name="Files"/>.</param>
internal sealed record FolderPart(string Folder, IReadOnlyList<string> Classes, FileList Files, int[] Starts)
{
    private static readonly HashSet<string> Endings = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg",
        ".jpeg",
        ".png",
        ".ppm",
        ".bmp",
        ".pgm",
        ".tif",
        ".tiff",
        ".webp",
    };

    /// <summary>The class folders, sorted. Hidden ones are none.</summary>
    public static string[] ClassesIn(string folder) =>
        [
            .. new DirectoryInfo(folder)
                .EnumerateDirectories()
                .Select(directory => directory.Name)
                .Where(name => !name.StartsWith('.'))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Lists all files. Folders are read side by side: on a file server each of them is a wait.</summary>
    /// <param name="classes">In the order of the labels.</param>
    public static FolderPart List(string folder, IReadOnlyList<string> classes)
    {
        var files = new string[classes.Count][];
        Parallel.For(0, classes.Count, label => files[label] = Pictures(Path.Combine(folder, classes[label]), classes[label]));
        var starts = new int[classes.Count];
        for (var label = 1; label < starts.Length; label++)
        {
            starts[label] = starts[label - 1] + files[label - 1].Length;
        }

        return new(folder, classes, new FileList([.. files.SelectMany(names => names)]), starts);
    }

    public int Label(int index)
    {
        var found = Array.BinarySearch(Starts, index);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Whether a folder holds pictures itself, and not in folders.</summary>
    public static bool HoldsPictures(string folder) => Directory.EnumerateFiles(folder).Any(file => Endings.Contains(Path.GetExtension(file)));

    private static string[] Pictures(string folder, string name) =>
        [
            .. Directory
                .EnumerateDirectories(folder, "*", SearchOption.AllDirectories)
                .Prepend(folder)
                .Order(StringComparer.Ordinal)
                .SelectMany(inner =>
                    Directory
                        .EnumerateFiles(inner)
                        .Select(file => Path.GetFileName(file))
                        .Where(file => Endings.Contains(Path.GetExtension(file)))
                        .Order(StringComparer.Ordinal)
                        .Select(file => $"{name}{inner[folder.Length..].Replace('\\', '/')}/{file}")
                ),
        ];
}
