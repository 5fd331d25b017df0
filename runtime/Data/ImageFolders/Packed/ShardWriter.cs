using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>Writes a shard to a temporary file; it gets its name when it is complete and flushed to disk.</summary>
internal sealed class ShardWriter : IDisposable
{
    private readonly string path;
    private readonly FileStream file;
    private readonly XxHash3 data = new();
    private readonly List<ShardEntry> entries = [];
    private readonly MemoryStream names = new();

    public ShardWriter(string path)
    {
        this.path = path;
        file = new FileStream(Temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
    }

    private string Temporary => path + ".part";

    public void Add(ReadOnlySpan<byte> name, int label, PackedImage image)
    {
        var bytes = image.Data;
        names.Write(name);
        entries.Add(
            new(file.Position, XxHash3.HashToUInt64(bytes), bytes.Length, image.Width, image.Height, label, (int)names.Length, image.Content)
        );
        Write(bytes);
    }

    public void Complete(ulong listing)
    {
        Write(new byte[(8 - file.Position % 8) % 8]);
        var table = new XxHash3();
        foreach (var part in new[] { MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries)).ToArray(), names.ToArray() })
        {
            table.Append(part);
            file.Write(part);
        }

        var footer = new ShardFooter(
            ShardFooter.Signature,
            listing,
            data.GetCurrentHashAsUInt64(),
            table.GetCurrentHashAsUInt64(),
            entries.Count,
            (int)names.Length
        );
        file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ShardFooter>(in footer)));
        file.Flush(flushToDisk: true);
        file.Dispose();
        File.Move(Temporary, path, overwrite: true);
    }

    public void Dispose()
    {
        try
        {
            file.Dispose();
        }
        catch (IOException)
        {
            // The rest of its buffer does not fit on the disk; the file is removed anyway.
        }

        File.Delete(Temporary);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        data.Append(bytes);
        file.Write(bytes);
    }
}
