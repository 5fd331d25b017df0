using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.TorchScript;

/// <summary>
/// Properties of a TorchScript archive that are known without running it: its hash and its description. Reads only the zip archive; no
/// tensor library is loaded.
/// </summary>
/// <param name="File">Its name, path and SHA-256.</param>
public sealed record Archive(TorchScriptFile File, ArchiveDescription Description)
{
    /// <summary>Size limit; a description takes a few hundred bytes.</summary>
    private const int LongestDescription = 1 << 20;

    private static readonly ConcurrentDictionary<(string Path, long Bytes, long Written), Archive> Known = new();

    /// <summary>Reads an archive; cached by path, size and time of last write.</summary>
    /// <param name="name">Name for display.</param>
    /// <exception cref="InvalidDataException">The file does not exist, cannot be read, or is not a TorchScript archive; the message is a sentence or two.</exception>
    public static Archive Read(string path, string? name = null)
    {
        string full = Path.GetFullPath(path);
        name ??= Path.GetFileName(full);
        if (InputFile.ReasonNotReadable(full) is string reason)
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

    /// <summary>As <see cref="Read"/>; null if it is not a usable TorchScript archive.</summary>
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

    /// <summary>The network that the archive contains.</summary>
    /// <exception cref="InvalidDataException">It is a loss.</exception>
    public NetworkDescription Network =>
        Description as NetworkDescription
        ?? throw new InvalidDataException($"{File.Name} is a loss, not a network. Name it in `losses: {{ NAME: {{ torchscript: FILE }} }}`.");

    /// <summary>The loss that the archive contains.</summary>
    /// <exception cref="InvalidDataException">It is a network.</exception>
    public LossDescription Loss =>
        Description as LossDescription
        ?? throw new InvalidDataException(
            ReferenceEquals(Description, ArchiveDescription.Default)
                ? $"{File.Name} is not marked as a loss: it has no `{ArchiveDescription.FileName}`. Save it with export_loss of python/channel_distillation.py."
                : $"{File.Name} is a network, not a loss. Name it in `teacher: {{ torchscript: FILE }}` or `student: {{ torchscript: FILE }}`."
        );

    /// <summary>Relative to the working folder, if the file is in it.</summary>
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
                    ? "It contains weights (`torch.save`), not a TorchScript module. Save the module with `torch.jit.save`, or load the weights with `checkpoint:`."
                    : "It is a zip archive, but not a TorchScript module. Save the module with `torch.jit.save`."
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
            throw new InvalidDataException("It is not a TorchScript archive, or is damaged: it has no zip directory.", error);
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
