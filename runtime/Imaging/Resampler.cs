using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ChannelDistillation.Models;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Resizes a part of an image, flips it and normalises it directly into a batch. Two passes as in Pillow,
/// first along rows, then along columns, rounded to bytes in between. The first separates the channels, so that the second reads and
/// writes whole vectors. Not thread-safe.
/// </summary>
internal sealed unsafe class Resampler : IDisposable
{
    private const int Half = 1 << (ResamplingAxis.Precision - 1);
    private readonly NativeBuffer between = new();

    /// <summary>How columns are resized; set before <see cref="Run"/>.</summary>
    public ResamplingAxis Columns { get; } = new();

    /// <summary>How rows are resized; set before <see cref="Run"/>.</summary>
    public ResamplingAxis Rows { get; } = new();

    /// <param name="picture">Only `part` of it is read.</param>
    /// <param name="part">The source that <see cref="Columns"/> and <see cref="Rows"/> refer to.</param>
    /// <param name="mirror">Flips horizontally.</param>
    /// <param name="destination">[3, Rows.Length, Columns.Length].</param>
    public void Run(Pixels picture, CropWindow part, bool mirror, Normalisation normalisation, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, 3 * Rows.Length * Columns.Length);
        var (from, to) = Rows.Needed;
        var planes = AlongRows(picture, part, from, to, mirror);
        fixed (float* target = destination)
        {
            AlongColumns(planes, from, to - from, normalisation, target);
        }
    }

    /// <summary>Writes the resized image as bytes, three per pixel.</summary>
    /// <param name="destination">[Rows.Length, Columns.Length, 3].</param>
    public void Run(Pixels picture, CropWindow part, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, 3 * Rows.Length * Columns.Length);
        var (from, to) = Rows.Needed;
        var planes = AlongRows(picture, part, from, to, mirror: false);
        var (width, pitch) = (Columns.Length, Pitch);
        var eight = stackalloc int[8];
        fixed (int* weights = Rows.Weights)
        {
            for (var row = 0; row < 3 * Rows.Length; row++)
            {
                var (y, channel) = Math.DivRem(row, 3);
                var source = planes + ((long)channel * (to - from) + Rows.First[y] - from) * pitch;
                for (var x = 0; x < width; x += 8)
                {
                    Weighted(source + x, pitch, weights + y * Rows.Stride, Rows.Taps[y]).Store(eight);
                    for (var i = x; i < Math.Min(x + 8, width); i++)
                    {
                        destination[3 * (y * width + i) + channel] = (byte)eight[i - x];
                    }
                }
            }
        }
    }

    public void Dispose() => between.Dispose();

    /// <summary>Bytes per row between the passes, padded to whole vectors.</summary>
    private int Pitch => (Columns.Length + 7) & ~7;

    /// <returns>Three planes of (to - from) rows.</returns>
    private byte* AlongRows(Pixels picture, CropWindow part, int from, int to, bool mirror)
    {
        var (pitch, width, stride) = (Pitch, Columns.Length, Columns.Stride);
        var plane = (long)pitch * (to - from);
        var planes = between.AtLeast(3 * plane + 8);
        fixed (
            int* first = Columns.First,
                taps = Columns.Taps,
                weights = Columns.Weights
        )
        {
            for (var y = from; y < to; y++)
            {
                var source = picture.At(part.Left, part.Top + y);
                var target = planes + (long)(y - from) * pitch;
                for (var x = 0; x < width; x++)
                {
                    var pixel = source + (long)first[x] * picture.BytesPerPixel;
                    var sum = Vector128.Create(Half);
                    for (var k = 0; k < taps[x]; k++, pixel += picture.BytesPerPixel)
                    {
                        sum += Four(pixel) * weights[x * stride + k];
                    }

                    sum >>= ResamplingAxis.Precision;
                    var place = target + (mirror ? width - 1 - x : x);
                    place[0] = (byte)sum[0];
                    place[plane] = (byte)sum[1];
                    place[2 * plane] = (byte)sum[2];
                }
            }
        }

        return planes;
    }

    private void AlongColumns(byte* planes, int from, int rows, Normalisation normalisation, float* target)
    {
        var (pitch, width, height) = (Pitch, Columns.Length, Rows.Length);
        fixed (
            int* first = Rows.First,
                taps = Rows.Taps,
                weights = Rows.Weights
        )
        {
            for (var channel = 0; channel < 3; channel++)
            {
                var scale = Vector256.Create(normalisation.Scale[channel]);
                var shift = Vector256.Create(normalisation.Shift[channel]);
                for (var y = 0; y < height; y++)
                {
                    var source = planes + ((long)channel * rows + first[y] - from) * pitch;
                    var row = target + (channel * height + y) * width;
                    for (var x = 0; x < width; x += 8)
                    {
                        var sum = Weighted(source + x, pitch, weights + y * Rows.Stride, taps[y]);
                        var values = Vector256.ConvertToSingle(sum) * scale + shift;
                        if (x + 8 <= width)
                        {
                            values.Store(row + x);
                        }
                        else
                        {
                            for (var i = x; i < width; i++)
                            {
                                row[i] = values[i - x];
                            }
                        }
                    }
                }
            }
        }
    }

    /// <summary>Eight result pixels of one column each, from vertically adjacent pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Weighted(byte* source, int pitch, int* weights, int taps)
    {
        var sum = Vector256.Create(Half);
        for (var k = 0; k < taps; k++, source += pitch)
        {
            sum += Eight(source) * weights[k];
        }

        return sum >> ResamplingAxis.Precision;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Four(byte* bytes)
    {
        if (Sse41.IsSupported)
        {
            return Sse41.ConvertToVector128Int32(bytes);
        }

        var shorts = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(bytes)).AsByte());
        return Vector128.WidenLower(shorts).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Eight(byte* bytes) =>
        Avx2.IsSupported ? Avx2.ConvertToVector256Int32(bytes) : Vector256.Create(Four(bytes), Four(bytes + 4));
}
