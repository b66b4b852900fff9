using System.Security.Cryptography;
using System.Text;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Tests.Storage.Weights;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>The names of the published models in both layouts.</summary>
public class KeyTableTests
{
    private static readonly SingleFileLayout Sd1 = SingleFileLayout.StableDiffusion1(ModelConfig.StableDiffusion15);
    private static readonly SingleFileLayout Sd2 = SingleFileLayout.StableDiffusion2(ModelConfig.StableDiffusion21);

    // Names as they stand in the published files.
    [Theory]
    [InlineData("unet", "model.diffusion_model.time_embed.2.bias", "time_embedding.linear_2.bias")]
    [InlineData("unet", "model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight")]
    [InlineData("unet", "model.diffusion_model.input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight")]
    [InlineData("unet", "model.diffusion_model.input_blocks.4.0.skip_connection.weight", "down_blocks.1.resnets.0.conv_shortcut.weight")]
    [InlineData("unet", "model.diffusion_model.input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight", "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight")]
    [InlineData("unet", "model.diffusion_model.input_blocks.11.0.emb_layers.1.weight", "down_blocks.3.resnets.1.time_emb_proj.weight")]
    [InlineData("unet", "model.diffusion_model.middle_block.1.proj_in.weight", "mid_block.attentions.0.proj_in.weight")]
    [InlineData("unet", "model.diffusion_model.middle_block.2.out_layers.3.bias", "mid_block.resnets.1.conv2.bias")]
    [InlineData("unet", "model.diffusion_model.output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight")]
    [InlineData("unet", "model.diffusion_model.output_blocks.8.2.conv.bias", "up_blocks.2.upsamplers.0.conv.bias")]
    [InlineData("unet", "model.diffusion_model.output_blocks.9.0.in_layers.0.weight", "up_blocks.3.resnets.0.norm1.weight")]
    [InlineData("unet", "model.diffusion_model.output_blocks.11.1.norm.weight", "up_blocks.3.attentions.2.norm.weight")]
    [InlineData("unet", "model.diffusion_model.out.2.weight", "conv_out.weight")]
    [InlineData("vae", "first_stage_model.quant_conv.weight", "quant_conv.weight")]
    [InlineData("vae", "first_stage_model.encoder.down.1.block.0.nin_shortcut.weight", "encoder.down_blocks.1.resnets.0.conv_shortcut.weight")]
    [InlineData("vae", "first_stage_model.encoder.down.2.downsample.conv.bias", "encoder.down_blocks.2.downsamplers.0.conv.bias")]
    [InlineData("vae", "first_stage_model.encoder.mid.attn_1.proj_out.weight", "encoder.mid_block.attentions.0.to_out.0.weight")]
    [InlineData("vae", "first_stage_model.decoder.mid.block_2.norm1.weight", "decoder.mid_block.resnets.1.norm1.weight")]
    [InlineData("vae", "first_stage_model.decoder.up.3.block.2.conv2.bias", "decoder.up_blocks.0.resnets.2.conv2.bias")]
    [InlineData("vae", "first_stage_model.decoder.up.3.upsample.conv.weight", "decoder.up_blocks.0.upsamplers.0.conv.weight")]
    [InlineData("vae", "first_stage_model.decoder.norm_out.bias", "decoder.conv_norm_out.bias")]
    [InlineData("text_encoder", "cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc2.bias", "text_model.encoder.layers.11.mlp.fc2.bias")]
    public void NamesOfStableDiffusion1(string part, string original, string diffusers) => AssertPair(Sd1.Tables[part], original, diffusers);

    [Theory]
    [InlineData("cond_stage_model.model.positional_embedding", "text_model.embeddings.position_embedding.weight")]
    [InlineData("cond_stage_model.model.token_embedding.weight", "text_model.embeddings.token_embedding.weight")]
    [InlineData("cond_stage_model.model.ln_final.bias", "text_model.final_layer_norm.bias")]
    [InlineData("cond_stage_model.model.transformer.resblocks.22.attn.out_proj.weight", "text_model.encoder.layers.22.self_attn.out_proj.weight")]
    [InlineData("cond_stage_model.model.transformer.resblocks.0.mlp.c_fc.bias", "text_model.encoder.layers.0.mlp.fc1.bias")]
    [InlineData("cond_stage_model.model.transformer.resblocks.7.ln_2.weight", "text_model.encoder.layers.7.layer_norm2.weight")]
    public void NamesOfTheTextEncoderOfStableDiffusion2(string original, string diffusers) => AssertPair(Sd2.Tables["text_encoder"], original, diffusers);

    [Fact]
    public void FusedQueriesKeysAndValuesAreThirds()
    {
        var rows = Sd2.Tables["text_encoder"].ToDiffusers("cond_stage_model.model.transformer.resblocks.3.attn.in_proj_bias").ToList();
        Assert.Equal(
            [.. new[] { "q", "k", "v" }.Select(name => $"text_model.encoder.layers.3.self_attn.{name}_proj.bias")],
            rows.Select(row => row.Diffusers));
        Assert.Equal([0, 1, 2], rows.Select(row => row.Third));
    }

    [Fact]
    public void ClipIsReadWithoutItsInnerName() => Assert.Equal(
        "text_model.encoder.layers.0.layer_norm1.weight",
        Assert.Single(Sd1.Tables["text_encoder"].ToDiffusers("cond_stage_model.transformer.encoder.layers.0.layer_norm1.weight")).Diffusers);

    [Theory]
    [InlineData("sd15.unet", "unet")]
    [InlineData("sd21.unet", "unet")]
    [InlineData("sd15.text_encoder", "text_encoder")]
    [InlineData("sd21.text_encoder", "text_encoder")]
    [InlineData("sd.vae.newkeys", "vae")]
    [InlineData("sd15.vae.oldkeys", "vae")]
    public void EveryPublishedNameHasOneOriginalAndComesBack(string manifest, string part)
    {
        var table = (manifest.StartsWith("sd21", StringComparison.Ordinal) ? Sd2 : Sd1).Tables[part];
        AssertBijective(table, Manifest.Read(manifest).Shapes.Keys.Select(AutoencoderKeys.NewName));
    }

    /// <summary>
    /// All names of the published files, not those of this table: the hash is that of their sorted list, one a line, as other programs that
    /// read these files spell it out.
    /// </summary>
    [Theory]
    [InlineData("sd15.unet", "unet", 686, "a635fa777e57c17aa014b0cb53066680fbcafb6c4c219fe796c8b5415a059dcd")]
    [InlineData("sd15.vae.oldkeys", "vae", 248, "21416c5ccb2f84d7fd9e0d9d7f17876a0830a060538dd437ab040334b64d5f60")]
    [InlineData("sd15.text_encoder", "text_encoder", 196, "24b784cf2ebc807b77ad3282980c7028efdd42b22611c215ced4310dd1d8e434")]
    public void TheNamesAreThoseOfThePublishedFile(string manifest, string part, int count, string hash) =>
        AssertNames(Sd1.Tables[part], Manifest.Read(manifest).Shapes.Keys.Select(AutoencoderKeys.NewName), count, hash);

    [Fact]
    public void TheTablesHoldForXl()
    {
        var xl = SingleFileLayout.StableDiffusionXl(ModelConfig.StableDiffusionXl);
        var names = Manifest.Read("sdxl.unet").Shapes.Keys;
        var table = xl.Tables["unet"];
        AssertBijective(table, names);
        AssertPair(table, "model.diffusion_model.label_emb.0.2.weight", "add_embedding.linear_2.weight");
        AssertPair(table, "model.diffusion_model.output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight");
        AssertPair(table, "model.diffusion_model.input_blocks.7.1.transformer_blocks.9.ff.net.2.bias", "down_blocks.2.attentions.0.transformer_blocks.9.ff.net.2.bias");
        var text = xl.Tables["text_encoder_2"];
        AssertBijective(text, Manifest.Read("sdxl.text_encoder_2").Shapes.Keys);
        AssertNames(table, names, 1680, "3fb5dddfff0311c8acf5c94bf2de97aa66d64c3333c86c39916e4d08fa691c17");
        AssertNames(text, Manifest.Read("sdxl.text_encoder_2").Shapes.Keys, 389, "5fe7a31627e5c451d7cc771c0be3733e53f06856ed6901b9f03c9f68a27b017f");
        AssertPair(xl.Tables["text_encoder"], "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias", "text_model.final_layer_norm.bias");
        Assert.Equal(KeyForm.Transposed, text.ToOriginal("text_projection.weight")!.Form);
    }

    private static void AssertNames(KeyTable table, IEnumerable<string> diffusers, int count, string hash)
    {
        var originals = diffusers.Select(name => table.ToOriginal(name)!.Original).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.Equal(count, originals.Count);
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', originals)))));
    }

    private static void AssertBijective(KeyTable table, IEnumerable<string> names)
    {
        var all = names.Order(StringComparer.Ordinal).ToList();
        var rows = all.ConvertAll(name => table.ToOriginal(name) ?? throw new InvalidOperationException($"{name} has no original name"));
        // A third is one of three tensors of one original; every other original stands for one.
        Assert.Equal(rows.Count, rows.Select(row => (row.Original, row.Third)).Distinct().Count());
        Assert.All(rows.GroupBy(row => row.Original), group => Assert.Equal(group.First().Form == KeyForm.Third ? 3 : 1, group.Count()));
        var back = rows.Select(row => row.Original).Distinct().SelectMany(table.ToDiffusers).Select(row => row.Diffusers).Order(StringComparer.Ordinal);
        Assert.Equal(all, back);
    }

    private static void AssertPair(KeyTable table, string original, string diffusers)
    {
        Assert.Equal(original, table.ToOriginal(diffusers)?.Original);
        Assert.Equal(diffusers, Assert.Single(table.ToDiffusers(original)).Diffusers);
    }
}
