using System.Text;
using ChannelDistillation.Core;
using ChannelDistillation.Downloads;

namespace ChannelDistillation.Data;

/// <summary>Compares the SHA-256 of files on disk with the expected ones.</summary>
internal static class Checksums
{
    /// <summary>A list of checksums in a folder, in the format of `sha256sum`.</summary>
    public const string FileName = "SHA256SUMS";

    /// <summary>Files whose checksum differs from the catalog's.</summary>
    public static IEnumerable<DamagedFileException> Changed(IEnumerable<DatasetFile> files, string folder) =>
        files.Select(file => file.Remote).OfType<RemoteFile>().SelectMany(file => Changed(Path.Combine(folder, file.Name), file));

    /// <summary>The dataset's files whose checksum differs from the list in the folder. Other names in the list are ignored.</summary>
    public static IEnumerable<DamagedFileException> Changed(string folder, IEnumerable<string> names)
    {
        IReadOnlyDictionary<string, string> listed = Read(folder);
        foreach (string name in names.Where(listed.ContainsKey))
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path) && InputFile.Digest(path).Sha256 is var found && found != listed[name])
                yield return new(path, $"its SHA-256 is {found}; {FileName} has {listed[name]}");
        }
    }

    /// <summary>Writes the list for some files.</summary>
    public static void Write(string folder, IEnumerable<string> names) =>
        AtomicFile.WriteText(
            Path.Combine(folder, FileName),
            string.Concat(names.Select(name => $"{InputFile.Digest(Path.Combine(folder, name)).Sha256}  {name}\n"))
        );

    /// <summary>Checksums by file name; empty if there is no list.</summary>
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

    /// <summary>The file, if it exists with other than the expected content.</summary>
    public static IEnumerable<DamagedFileException> Changed(string path, RemoteFile expected)
    {
        if (File.Exists(path) && InputFile.Digest(path) is var (bytes, sha256) && (bytes, sha256) != (expected.Bytes, expected.Sha256))
            yield return new(path, $"it has {bytes} bytes and SHA-256 {sha256}; expected {expected.Bytes} bytes and {expected.Sha256}");
    }
}
