using System.Security.Cryptography;
using ChannelDistillation.Records;

namespace ChannelDistillation.Data;

/// <summary>SHA-256 of files that are there, beside those that they should have.</summary>
internal static class Checksums
{
    /// <summary>A list of checksums in a folder, in the format of the program `sha256sum`.</summary>
    public const string FileName = "SHA256SUMS";

    /// <summary>Files of which the catalog knows the checksum, and which have another.</summary>
    public static IEnumerable<DamagedFileException> Changed(IEnumerable<DatasetFile> files, string folder) =>
        files.Where(file => file.Sha256 is not null).SelectMany(file => Changed(Path.Combine(folder, file.Name), file.Sha256!));

    /// <summary>Files that the list in the folder knows, and which have another checksum than it says.</summary>
    public static IEnumerable<DamagedFileException> Changed(string folder) =>
        Read(folder).SelectMany(entry => Changed(Path.Combine(folder, entry.Key), entry.Value));

    /// <summary>Writes the list of some files.</summary>
    public static void Write(string folder, IEnumerable<string> names) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), string.Concat(names.Select(name => $"{Of(Path.Combine(folder, name))}  {name}\n")));

    /// <summary>Checksums by the names of files; empty where there is no list.</summary>
    public static IReadOnlyDictionary<string, string> Read(string folder)
    {
        string list = Path.Combine(folder, FileName);
        return File.Exists(list)
            ? File.ReadLines(list)
                .Select(line => line.Split("  ", 2))
                .Where(parts => parts.Length == 2)
                .DistinctBy(parts => parts[1])
                .ToDictionary(parts => parts[1], parts => parts[0])
            : new Dictionary<string, string>();
    }

    /// <summary>The file, where it is there with another checksum than it should have.</summary>
    public static IEnumerable<DamagedFileException> Changed(string path, string expected)
    {
        if (File.Exists(path) && Of(path) is var found && found != expected)
            yield return new DamagedFileException(path, $"its SHA-256 is {found}, it should be {expected}");
    }

    private static string Of(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
