using SkiaSharp;

namespace ChannelDistillation.Bench;

/// <summary>JPEG files that are as hard to decode as photographs: noise at all scales, fainter at finer scales, with edges, at quality 90.</summary>
internal static class SyntheticPhotographs
{
    private static readonly (int Width, int Height)[] Sizes = [(500, 375), (375, 500), (500, 333), (500, 375)];

    /// <summary>Creates `train` and `val` with four classes in a folder.</summary>
    public static void Make(string folder, int training, int validation)
    {
        foreach (var (part, count) in new[] { ("train", training), ("val", validation) })
        {
            for (int i = 0; i < count; i++)
            {
                string target = Path.Combine(folder, part, $"class{i % 4}");
                Directory.CreateDirectory(target);
                var (width, height) = Sizes[i / 4 % Sizes.Length];
                File.WriteAllBytes(Path.Combine(target, $"{i:0000}.JPEG"), Photograph(width, height, new Random(part.Length * 1000 + i)));
            }
        }
    }

    private static byte[] Photograph(int width, int height, Random random)
    {
        var values = new float[3 * width * height];
        for (int cells = 2; cells <= 256; cells *= 2)
            AddNoise(values, width, height, cells, MathF.Pow(cells, -0.9f) * 160, random);
        for (int i = 0; i < 12; i++)
            AddDisc(values, width, height, random);
        var pixels = new byte[4 * width * height];
        for (int i = 0; i < width * height; i++)
        {
            float grain = (random.NextSingle() - 0.5f) * 40;
            for (int channel = 0; channel < 3; channel++)
                pixels[4 * i + channel] = (byte)Math.Clamp(120 + values[3 * i + channel] + grain, 0, 255);
            pixels[4 * i + 3] = 255;
        }

        using SKImage image = SKImage.FromPixelCopy(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque), pixels);
        using SKData data = image.Encode(SKEncodedImageFormat.Jpeg, 90);
        return data.ToArray();
    }

    /// <summary>Random values on a grid, interpolated; the three channels are similar, as in photographs.</summary>
    private static void AddNoise(float[] values, int width, int height, int cells, float strength, Random random)
    {
        int side = cells + 2;
        var grid = new float[3 * side * side];
        for (int i = 0; i < grid.Length; i += 3)
        {
            float grey = random.NextSingle() - 0.5f;
            for (int channel = 0; channel < 3; channel++)
                grid[i + channel] = strength * (0.8f * grey + 0.2f * (random.NextSingle() - 0.5f)) * 4;
        }

        float scale = (float)cells / Math.Max(width, height);
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        {
            var (column, row) = ((int)(x * scale), (int)(y * scale));
            var (right, down) = (x * scale - column, y * scale - row);
            for (int channel = 0; channel < 3; channel++)
            {
                int corner = 3 * (row * side + column) + channel;
                float above = grid[corner] * (1 - right) + grid[corner + 3] * right;
                float below = grid[corner + 3 * side] * (1 - right) + grid[corner + 3 * side + 3] * right;
                values[3 * (y * width + x) + channel] += above * (1 - down) + below * down;
            }
        }
    }

    private static void AddDisc(float[] values, int width, int height, Random random)
    {
        var (left, top, radius) = (random.Next(width), random.Next(height), random.Next(10, 120));
        float[] colour = [random.Next(-40, 40), random.Next(-40, 40), random.Next(-40, 40)];
        for (int y = Math.Max(0, top - radius); y < Math.Min(height, top + radius); y++)
        for (int x = Math.Max(0, left - radius); x < Math.Min(width, left + radius); x++)
        for (int channel = 0; channel < 3; channel++)
            if ((x - left) * (x - left) + (y - top) * (y - top) < radius * radius)
                values[3 * (y * width + x) + channel] += colour[channel];
    }
}
