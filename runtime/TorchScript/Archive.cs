using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.TorchScript;

/// <summary>
/// What can be known of a TorchScript archive without running it: its content's hash and what it says of itself. Reads the zip archive only; no
/// tensor library is loaded.
/// </summary>
/// <param name="File">Its name, path and SHA-256.</param>
public sealed record Archive(TorchScriptFile File, ArchiveDescription Description)
{
    /// <summary>One description is a few hundred bytes; more than this is none.</summary>
    private const int LongestDescription = 1 << 20;

    private static readonly ConcurrentDictionary<(string Path, long Bytes, long Written), Archive> Known = new();

    /// <summary>Reads an archive, once for each file as it is now.</summary>
    /// <param name="name">How the file is shown.</param>
    /// <exception cref="InvalidDataException">It is not there, cannot be read, or is no TorchScript archive; the message is a sentence or two.</exception>
    public static Archive Read(string path, string? name = null)
    {
        string full = Path.GetFullPath(path);
        name ??= Path.GetFileName(full);
        if (InputFile.WhyNot(full) is string reason)
            throw new InvalidDataException(Path.Exists(full) ? $"{Shown(full)} cannot be read: {reason}." : $"{Shown(full)} does not exist.");
        try
        {
            var file = new FileInfo(full);
            Archive archive = Known.GetOrAdd((full, file.Length, file.LastWriteTimeUtc.Ticks), key => Open(key.Path));
            return archive.File.Name == name ? archive : archive with { File = archive.File with { Name = name } };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{Shown(full)} cannot be read: {InputFile.Reason(full, error)}.", error);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{Shown(full)} cannot be used. {error.Message}", error);
        }
    }

    /// <summary>The same; null: it is no TorchScript archive that can be used.</summary>
    public static Archive? TryRead(string path)
    {
        try
        {
            return Read(path);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The network that an archive describes.</summary>
    /// <exception cref="InvalidDataException">It is a loss.</exception>
    public NetworkDescription Network =>
        Description as NetworkDescription
        ?? throw new InvalidDataException($"{File.Name} is a loss, not a network. Name it in `losses: {{ NAME: {{ torchscript: FILE }} }}`.");

    /// <summary>The loss that an archive describes.</summary>
    /// <exception cref="InvalidDataException">It is a network.</exception>
    public LossDescription Loss =>
        Description as LossDescription
        ?? throw new InvalidDataException(
            ReferenceEquals(Description, ArchiveDescription.Default)
                ? $"{File.Name} does not say that it is a loss: it has no `{ArchiveDescription.FileName}`. Save it with export_loss of python/channel_distillation.py."
                : $"{File.Name} is a network, not a loss. Name it in `teacher: {{ torchscript: FILE }}` or `student: {{ torchscript: FILE }}`."
        );

    /// <summary>Relative to the working folder, where it lies in that.</summary>
    private static string Shown(string full) =>
        Path.GetRelativePath(Environment.CurrentDirectory, full) is var relative && !relative.StartsWith("..", StringComparison.Ordinal)
            ? relative
            : full;

    private static Archive Open(string path)
    {
        using FileStream stream = InputFile.OpenStream(path);
        using ZipArchive zip = OpenZip(stream);
        if (!zip.Entries.Any(entry => entry.FullName.Split('/') is [_, "constants.pkl"]))
            throw new InvalidDataException(
                zip.Entries.Any(entry => entry.FullName.Split('/') is [_, "data.pkl"])
                    ? "It holds weights (`torch.save`) and no TorchScript program. Save the module with `torch.jit.save`; weights alone are for `checkpoint:`."
                    : "It is a zip archive, but no TorchScript program. Save the module with `torch.jit.save`."
            );
        ZipArchiveEntry? extra = zip.Entries.FirstOrDefault(entry => entry.FullName.Split('/') is [_, "extra", ArchiveDescription.FileName]);
        ArchiveDescription description = extra is null ? ArchiveDescription.Default : ArchiveDescription.Parse(Content(extra));
        return new(new(Path.GetFileName(path), path, Hash(stream)), description);
    }

    private static string Hash(FileStream stream)
    {
        stream.Position = 0;
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static ZipArchive OpenZip(FileStream stream)
    {
        try
        {
            var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            return zip.Entries.Count > 0 ? zip : throw new InvalidDataException();
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException("It is no TorchScript archive, or it is damaged: it has no directory of a zip archive.", error);
        }
    }

    private static byte[] Content(ZipArchiveEntry entry)
    {
        if (entry.Length > LongestDescription)
            throw new InvalidDataException($"Its `{ArchiveDescription.FileName}` is too long.");
        using Stream content = entry.Open();
        var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }
}
