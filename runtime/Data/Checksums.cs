using System.Text;
using ChannelDistillation.Core;
using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>SHA-256 of files that are there, beside those that they should have.</summary>
internal static class Checksums
{
    /// <summary>A list of checksums in a folder, in the format of the program `sha256sum`.</summary>
    public const string FileName = "SHA256SUMS";

    /// <summary>Files of which the catalog knows the checksum, and which have another.</summary>
    public static IEnumerable<DamagedFileException> Changed(IEnumerable<DatasetFile> files, string folder) =>
        files.Select(file => file.Remote).OfType<RemoteFile>().SelectMany(file => Changed(Path.Combine(folder, file.Name), file));

    /// <summary>Those of a dataset's own files that have another checksum than the list in the folder says. Other names in the list are not looked at.</summary>
    public static IEnumerable<DamagedFileException> Changed(string folder, IEnumerable<string> names)
    {
        IReadOnlyDictionary<string, string> listed = Read(folder);
        foreach (string name in names.Where(listed.ContainsKey))
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path) && InputFile.Digest(path).Sha256 is var found && found != listed[name])
                yield return new(path, $"its SHA-256 is {found}; {FileName} says {listed[name]}");
        }
    }

    /// <summary>Writes the list of some files.</summary>
    public static void Write(string folder, IEnumerable<string> names) =>
        AtomicFile.WriteText(
            Path.Combine(folder, FileName),
            string.Concat(names.Select(name => $"{InputFile.Digest(Path.Combine(folder, name)).Sha256}  {name}\n"))
        );

    /// <summary>Checksums by the names of files; empty where there is no list.</summary>
    public static IReadOnlyDictionary<string, string> Read(string folder)
    {
        string list = Path.Combine(folder, FileName);
        return File.Exists(list)
            ? Encoding
                .UTF8.GetString(InputFile.ReadAll(list, FileLimits.ListBytes))
                .Split('\n')
                .Select(line => line.TrimEnd('\r').Split("  ", 2))
                .Where(parts => parts.Length == 2)
                .DistinctBy(parts => parts[1])
                .ToDictionary(parts => parts[1], parts => parts[0].ToLowerInvariant())
            : new Dictionary<string, string>();
    }

    /// <summary>The file, where it is there with other content than it should have.</summary>
    public static IEnumerable<DamagedFileException> Changed(string path, RemoteFile expected)
    {
        if (File.Exists(path) && InputFile.Digest(path) is var (bytes, sha256) && (bytes, sha256) != (expected.Bytes, expected.Sha256))
            yield return new(path, $"it has {bytes} bytes and the SHA-256 {sha256}; expected are {expected.Bytes} bytes and {expected.Sha256}");
    }
}
