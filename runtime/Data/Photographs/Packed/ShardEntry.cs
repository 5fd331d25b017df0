using System.Runtime.InteropServices;

namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>One image in the table of a shard; written as it lies in memory (little-endian).</summary>
/// <param name="Offset">Of its data in the file.</param>
/// <param name="Checksum">XXH3 of its data.</param>
/// <param name="Length">Of its data, in bytes.</param>
/// <param name="Width">Pixels only.</param>
/// <param name="Height">Pixels only.</param>
/// <param name="Label">Its class, from 0.</param>
/// <param name="NameEnd">Where its name ends among the names; it begins where the one before ends.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ShardEntry(
    long Offset,
    ulong Checksum,
    int Length,
    int Width,
    int Height,
    int Label,
    int NameEnd,
    ShardContent Content
);

/// <summary>What the data of an image are. The numbers are part of the file format.</summary>
internal enum ShardContent
{
    /// <summary>Three bytes per pixel, row after row.</summary>
    Pixels = 0,

    /// <summary>A picture file as it was in the folder.</summary>
    File = 1,

    /// <summary>The image could not be read: why, in UTF-8.</summary>
    Unreadable = 2,
}
