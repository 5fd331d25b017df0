using System.Text;

namespace ChannelDistillation.Data.Photographs;

/// <summary>File names by index, in two arrays: ImageNet's 1.3 million as strings would take 100 MB and the garbage collector's time.</summary>
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

    /// <summary>In UTF-8.</summary>
    public ReadOnlySpan<byte> Bytes(int index) => text.AsSpan((index == 0 ? 0 : ends[index - 1])..ends[index]);
}
